"""Whether a reward model still agrees with what is true while a policy is trained on its scores, and the alarm.

What a policy is paid for it finds, also where the model errs: the score goes on rising while what was meant by it
falls (Gao et al. 2022, arXiv:2210.10760). So every step its scores are held against what it has no part in: fresh
judgements of the run's episodes, and the graded outcome. Both are bounded numbers, 1 where it agrees and 0 where not.

The test is a bet against the model. Where it agrees on average with at least a floor of them, whatever came before, no
way of betting that it does not is expected to win, so that capital of 1 ever grows to 1 / a with a chance of at most a
(Ville 1939; Waudby-Smith and Ramdas 2020, arXiv:2010.09686). Since a model may go wrong at any step, some capital is
put in at each (Shin et al. 2022, arXiv:2203.03532), spread over stakes from timid to bold. The capitals of both sources
are averaged, which is a bet again. So however often one looks, a run whose model stays above its floors is stopped with
a chance of at most `false_alarms` over its whole length.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, product
from pathlib import Path
from statistics import fmean

from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Ranking
from journeyman.training.checkpoint import TrainingError

FILE = "drift.jsonl"
_STAKES = tuple((n + 0.5) / 12 for n in range(12))
"""Of the largest stake that can never lose all."""


class DriftAlarmError(TrainingError):
    """A reward model has ceased to agree with what is true; the run has stopped, and can go on without it."""


@dataclass(frozen=True, slots=True)
class DriftSettings:
    false_alarms: float = 0.05
    """The chance that a whole run is stopped though the model keeps above its floors, at most."""
    floor: float = 0.5
    """Agreement with fresh judgements that is expected at least: a coin's, since a policy that has learned what was
    wanted leaves near ties to be judged."""
    outcome_floor: float = 0.4
    """How often it finds a solved episode of a group better than an unsolved one, at least. Below a coin's: a taste may
    have its price, as long as it does not prefer failures."""

    def __post_init__(self) -> None:
        for name in ("false_alarms", "floor", "outcome_floor"):
            if not 0 < getattr(self, name) < 1:
                raise TrainingError(f"{name} lies between 0 and 1, not {getattr(self, name)}")


class Bets:
    """Capital that bets on a mean below a floor. Begins with 1, and is never expected to be more while it is not.

    Args:
        starts: how often `begin` is called at most.
    """

    def __init__(self, floor: float, starts: int) -> None:
        self._floor, self._part = floor, 1 / starts
        self._hand = 1.0
        self._staked = [0.0] * len(_STAKES)

    def begin(self) -> None:
        """Put in some of what is left in hand."""
        part = min(self._part, self._hand)
        self._hand -= part
        self._staked = [capital + part / len(_STAKES) for capital in self._staked]

    def see(self, value: float) -> None:
        """A new observation, in [0, 1]."""
        self._staked = [
            capital * (1 + stake / (1 - self._floor) * (self._floor - value))
            for capital, stake in zip(self._staked, _STAKES, strict=True)
        ]

    @property
    def capital(self) -> float:
        return self._hand + math.fsum(self._staked)


@dataclass(frozen=True, slots=True)
class Held:
    """What one step showed: a line of OUT/drift.jsonl."""

    step: int
    """From 1."""
    score: float | None
    """The reward model's mean score."""
    labels: Mapping[str, float]
    """By the id of a fresh ranking, how far the scores agree with it."""
    outcomes: tuple[float, ...]
    """Of each group with solved and unsolved episodes, how far the scores put the solved ones first."""
    resolved: float | None
    """The share of the step's scored episodes that are."""
    evidence: float = 1.0
    """The capital of the bets against the model after this step."""


def agrees_with_ranking(ranking: Ranking, scores: Mapping[str, float | None]) -> float | None:
    """The share of a ranking's decided pairs that scores order alike, half for a tie; None where none can be told."""
    rows = [(rank, scores.get(id_)) for id_, rank in zip(ranking.episodes, ranking.ranks, strict=True)]
    known = [(rank, score) for rank, score in rows if score is not None]
    found = [
        _above(a[1], b[1]) if a[0] < b[0] else _above(b[1], a[1]) for a, b in combinations(known, 2) if a[0] != b[0]
    ]
    return fmean(found) if found else None


def agrees_with_outcome(group: Sequence[Episode], scores: Sequence[float | None]) -> float | None:
    """The share of a group's pairs of a solved and an unsolved episode whose solved one has the higher score."""
    rated = [
        (each.resolved, s) for each, s in zip(group, scores, strict=True) if each.reward is not None and s is not None
    ]
    solved, unsolved = ([score for resolved, score in rated if resolved is which] for which in (True, False))
    found = [_above(good, bad) for good, bad in product(solved, unsolved)]
    return fmean(found) if found else None


def _above(one: float, other: float) -> float:
    return 0.5 if one == other else float(one > other)


class Drift:
    """The bets of one run, kept beside it so that a resumed run goes on with them.

    Args:
        folder: the run's, which exists.
        steps: of the whole run.
        resumed_from: the step of the checkpoint that it goes on from; what came after is forgotten.
    """

    def __init__(self, folder: Path | str, steps: int, settings: DriftSettings, *, resumed_from: int = 0) -> None:
        self._path, self._settings = Path(folder) / FILE, settings
        self._labels, self._outcomes = Bets(settings.floor, steps), Bets(settings.outcome_floor, steps)
        self.held: list[Held] = []
        for held in _read(self._path):
            if held.step <= resumed_from:
                self._bet(held)
        self._write()

    @property
    def judged(self) -> set[str]:
        """The rankings that were held against it."""
        return {id_ for held in self.held for id_ in held.labels}

    @property
    def evidence(self) -> float:
        return (self._labels.capital + self._outcomes.capital) / 2

    def see(self, held: Held) -> str | None:
        """Bet on what a step showed, and keep it. The alarm's reason, where there is one."""
        self._bet(held)
        self._write()
        return self._reason() if self.evidence >= 1 / self._settings.false_alarms else None

    def _bet(self, held: Held) -> None:
        for bets, values in ((self._labels, held.labels.values()), (self._outcomes, held.outcomes)):
            bets.begin()
            for value in values:
                bets.see(value)
        self.held.append(Held(**{**{k: getattr(held, k) for k in held.__slots__}, "evidence": self.evidence}))

    def _reason(self) -> str:
        late = self.held[-5:]
        said = []
        for name, values in (
            ("fresh judgements", [x for held in late for x in held.labels.values()]),
            ("the graded outcome", [x for held in late for x in held.outcomes]),
        ):
            if values:
                said.append(f"agreed with {name} in {fmean(values):.0%} of {len(values)}")
        scores = [held.score for held in self.held if held.score is not None]
        moved = f"; its mean score went from {scores[0]:.2f} to {scores[-1]:.2f}" if scores else ""
        return (
            f"the reward model is over-optimised at step {self.held[-1].step}: in the last {len(late)} steps it "
            f"{' and '.join(said)} (evidence {self.evidence:.3g}, alarm from {1 / self._settings.false_alarms:.3g})"
            f"{moved}"
        )

    def _write(self) -> None:
        partial = self._path.with_suffix(f".{os.getpid()}.partial")
        partial.write_text("".join(json.dumps(asdict(held)) + "\n" for held in self.held))
        partial.replace(self._path)


def _read(path: Path) -> list[Held]:
    """Raises: TrainingError: a line is no step of ours."""
    if not path.exists():
        return []
    try:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        return [Held(**{**row, "outcomes": tuple(row["outcomes"])}) for row in rows]
    except (ValueError, TypeError, KeyError) as error:
        raise TrainingError(f"{path}: not the record of a reward model's steps; move the file away") from error
