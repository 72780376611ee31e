"""Simulated annotators: programs that judge episodes in the place of people, for tests and studies.

Each wants something that is known to us and hidden from whoever learns of its judgements (training/feedback/hidden.py),
and errs in ways that people do: by chance, by the length of what it reads, by the order in which it is shown, by
looking at a part only. Everything that it says is an entry like a person's, marked as simulated: `simulated` is set,
the origin is "simulated", and its name begins with "sim.", which no other entry's may.

The same annotator says the same of the same episodes, in whatever order it is asked; what it said once it may write
again, and the log takes it once.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from journeyman.envs.claims import Standing, findings_of
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import (
    MAX_TEXT,
    SIMULATED,
    ClaimLabel,
    Critique,
    Entry,
    Ranking,
    Score,
    StepLabel,
)
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.training.checkpoint import TrainingError
from journeyman.training.feedback.hidden import Hidden, Label

ORIGIN = "simulated"
_OPPOSITE: Mapping[Label, Label] = {"good": "bad", "bad": "good", "neutral": "neutral"}
_CLAIMS: Mapping[Standing, Literal["true", "false", "unverifiable"]] = {
    Standing.SUPPORTED: "true",
    Standing.CONTRADICTED: "false",
    Standing.UNVERIFIABLE: "unverifiable",
}
_CONTRARY: Mapping[Standing, Standing] = {
    Standing.SUPPORTED: Standing.CONTRADICTED,
    Standing.CONTRADICTED: Standing.SUPPORTED,
    Standing.UNVERIFIABLE: Standing.UNVERIFIABLE,
}
_NEVER = "1970-01-01T00:00:00+00:00"


@dataclass(frozen=True, slots=True)
class SimulatedAnnotator:
    """Judges episodes by a hidden preference, more or less well.

    Raises:
        TrainingError: a share is none, or a bias is not finite.
    """

    wants: Hidden
    seed: int = 0
    """Tells annotators with one preference apart: their names, and when they err."""
    flips: float = 0.0
    """The share of judgements that are turned round, in [0, 1]."""
    share: float = 1.0
    """Of what it is asked, how much it answers, in [0, 1]."""
    length_bias: float = 0.0
    """What it adds to the value of the longest of the episodes shown, against the shortest; below 0 it likes short."""
    position_bias: float = 0.0
    """What it adds to the value of the one shown first."""
    tie_within: float = 1e-9
    """Values no further apart are ranked as equal."""

    def __post_init__(self) -> None:
        for name in ("flips", "share"):
            if not 0 <= getattr(self, name) <= 1:
                raise TrainingError(f"{name} is a share, between 0 and 1, not {getattr(self, name)}")
        for name in ("length_bias", "position_bias", "tie_within"):
            if not math.isfinite(getattr(self, name)):
                raise TrainingError(f"{name} must be finite, not {getattr(self, name)}")

    @property
    def name(self) -> str:
        return f"{SIMULATED}{self.wants.name}.{self.seed}"

    def rank(self, *episodes: Episode) -> Ranking | None:
        """Two to four episodes of a task, in the order in which they are shown; None where it does not bother."""
        ids = tuple(episode.id for episode in episodes)
        chance = self._chance("ranking", *ids)
        if chance.random() >= self.share:
            return None
        values = self._seen(episodes)
        if chance.random() < self.flips:
            values = [-value for value in values]
        rank, ranks, before = 0, dict[int, int](), math.inf
        for place, number in enumerate(sorted(range(len(values)), key=lambda number: -values[number]), 1):
            if before - values[number] > self.tie_within:
                rank, before = place, values[number]
            ranks[number] = rank
        said = self._says("ranking", *episodes)
        return Ranking(**said, episodes=ids, ranks=tuple(ranks[number] for number in range(len(ids))))

    def score(self, episode: Episode) -> Score | None:
        """How good it finds an episode."""
        chance = self._chance("score", episode.id)
        if chance.random() >= self.share:
            return None
        value = self.wants.value(episode)
        value = 1 - value if chance.random() < self.flips else value
        return Score(**self._says("score", episode), episode=episode.id, value=value)

    def steps(self, episode: Episode) -> list[StepLabel]:
        """Its labels of an episode's steps."""
        found = []
        for number, label in self.wants.labels(episode).items():
            chance = self._chance("step", episode.id, number)
            if chance.random() >= self.share:
                continue
            said = self._says("step", episode, number)
            seen = _OPPOSITE[label] if chance.random() < self.flips else label
            found.append(StepLabel(**said, episode=episode.id, step=number, label=seen))
        return found

    def critiques(self, episode: Episode) -> list[Critique]:
        """What it complains of, on the lines or the step that it is about; nothing where it is content."""
        chance = self._chance("critique", episode.id)
        if chance.random() >= self.share or self.wants.kept(episode) != (chance.random() < self.flips):
            return []
        return [
            Critique(
                **self._says("critique", episode, number), episode=episode.id, place=each.place,
                body=each.body, category=each.category, severity="major",
            )
            for number, each in enumerate(self.wants.complaints(episode))
        ]  # fmt: skip

    def claims(self, episode: Episode) -> list[ClaimLabel]:
        """What the record says of each claim of the report, with what is really so where one is false."""
        found = []
        for number, finding in enumerate(findings_of(episode.steps)):
            chance = self._chance("claim", episode.id, number)
            if chance.random() >= self.share:
                continue
            standing = finding.standing
            label = _CLAIMS[_CONTRARY[standing] if chance.random() < self.flips else standing]
            found.append(
                ClaimLabel(
                    **self._says("claim", episode, number), episode=episode.id, claim=number, label=label,
                    limitation=finding.evidence[:MAX_TEXT] if label == "false" else "",
                )
            )  # fmt: skip
        return found

    def judge(self, episode: Episode) -> list[Entry]:
        """All that it has to say of one episode."""
        score = self.score(episode)
        return [*([score] if score else []), *self.steps(episode), *self.critiques(episode), *self.claims(episode)]

    def _seen(self, episodes: Sequence[Episode]) -> list[float]:
        """What each seems worth, biases included."""
        lengths = [_length(episode) for episode in episodes]
        span = max(lengths) - min(lengths) or 1
        values = [
            self.wants.value(episode) + self.length_bias * (length - min(lengths)) / span
            for episode, length in zip(episodes, lengths, strict=True)
        ]
        return [values[0] + self.position_bias, *values[1:]]

    @property
    def _errs(self) -> tuple[float, ...]:
        """How: one that errs otherwise says other things, under other ids."""
        return self.flips, self.share, self.length_bias, self.position_bias, self.tie_within

    def _chance(self, *of: object) -> Random:
        return Random(f"{self.name}/{'/'.join(map(str, of))}")

    def _says(self, kind: str, *of: Any) -> dict[str, Any]:
        """What every entry holds. The time is that of the newest episode: the annotator has no clock."""
        about = [each.id if isinstance(each, Episode) else str(each) for each in of]
        digest = hashlib.sha256("/".join([self.name, kind, *about, str(self._errs)]).encode()).hexdigest()[:24]
        at = max((each.started_at for each in of if isinstance(each, Episode)), default="") or _NEVER
        return {
            "id": f"sim-{digest}", "annotator": self.name, "at": at[:40], "origin": ORIGIN, "simulated": True,
        }  # fmt: skip


def judge_pairs(
    annotators: Sequence[SimulatedAnnotator],
    pairs: Sequence[tuple[Episode, Episode]],
    log: FeedbackLog,
    *,
    most: int,
    on_done: Callable[[int], None] = lambda _: None,
) -> int:
    """Have pairs judged, each by the next annotator in turn, until there are so many judgements; how many there are.

    Said again after an interruption, it goes on where it was.
    """
    said = 0
    for number, pair in enumerate(pairs):
        if said == most:
            break
        ranking = annotators[number % len(annotators)].rank(*pair)
        if ranking is not None:
            log.write(ranking)
            said += 1
            on_done(said)
    return said


def _length(episode: Episode) -> int:
    """Characters that the policy wrote, as a reader sees them."""
    return sum(len(step.action.text) or len(str(dict(step.action.arguments))) for step in episode.steps)
