"""A reward model's part in a policy's reward: who may have one, what it pays, and that it is watched.

Of each group an episode's value is the share of the others that it is expected to beat (Bradley and Terry): in [0, 1],
without a unit, and of no more effect where scores hardly differ. It enters as one of the bounded learned terms of
training/hybrid.py, and so never decides a group in which nothing is solved.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Ranking, episodes_of
from journeyman.envs.feedback.log import FeedbackLog, Logged
from journeyman.envs.feedback.standing import finder, standing
from journeyman.envs.store import EpisodeStore
from journeyman.training.checkpoint import DONE, RunFolderError, write_json
from journeyman.training.feedback.drift import FILE as DRIFT
from journeyman.training.feedback.drift import (
    Drift,
    DriftAlarmError,
    DriftSettings,
    Held,
    agrees_with_outcome,
    agrees_with_ranking,
)
from journeyman.training.feedback.features import FILE as FEATURES
from journeyman.training.feedback.features import FeatureModel
from journeyman.training.feedback.gate import GateError, GateSettings
from journeyman.training.hybrid import Learned, Told
from journeyman.training.processes import from_all_processes, this_process
from journeyman.training.reward_model import RewardModel

RECORD = "reward_model.json"
TERM = "reward_model"
_KEPT = 256
Ask = Callable[[Episode, Episode], Ranking | None]
"""Somebody who judges two episodes at once, as `SimulatedAnnotator.rank`; None where it does not."""
_Scored = tuple[tuple[Episode, ...], list[float | None]]
"""A group, and what a reward model makes of each of its episodes."""


class Scorer(Protocol):
    def scores(self, episodes: Sequence[Episode]) -> list[float | None]:
        """Any numbers, higher is better; None of what cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class RewardUse:
    """A reward model that is to have a part in a reward."""

    folder: Path | str
    """Its run's `model`."""
    gate: GateSettings = field(default_factory=GateSettings)
    drift: DriftSettings = field(default_factory=DriftSettings)
    ask: Ask | None = None
    """Who judges the run's episodes while it runs, besides those who write to its feedback log."""
    pairs: int = 2
    """So many of each group: the highest score beside the lowest, the second highest beside the second lowest, …: where
    it is surest a sound model is right most often, and one that is exploited wrong."""
    every: int = 1
    """Steps after which that one is asked again."""


def open_scorer(folder: Path | str) -> Scorer:
    """A reward model of either kind.

    Raises:
        ModelError: there is none.
    """
    return FeatureModel(folder) if (Path(folder) / FEATURES).exists() else RewardModel(folder)


class LearnedTerm:
    """What a reward model says of groups, as the hybrid reward takes it; it keeps what it said until `drain`."""

    def __init__(self, scorer: Scorer) -> None:
        self.name = TERM
        """Which model it is, a run's own record says (`admit`)."""
        self._scorer = scorer
        self._said: list[_Scored] = []

    def learned(self, group: Sequence[Episode]) -> Learned:
        scores = self._scorer.scores(group)
        self._said.append((tuple(group), scores))
        known = {each.id: score for each, score in zip(group, scores, strict=True) if score is not None}
        return {
            id_: {TERM: Told(value, f"a reward model scores it {known[id_]:.3g}, the mean of the group {mean:.3g}")}
            for mean in [fmean(known.values()) if known else 0.0] for id_, value in expected_wins(known).items()
        }  # fmt: skip

    def steps(self, episode: Episode) -> Sequence[Told | None]:
        """Nothing: it reads whole episodes."""
        return ()

    def score(self, episode: Episode) -> float | None:
        return self._scorer.scores([episode])[0]

    def drain(self) -> list[_Scored]:
        """The groups since the last time, with their scores."""
        said, self._said = self._said, []
        return said


def expected_wins(scores: dict[str, float]) -> dict[str, float]:
    """Of each, the mean probability to be preferred to another one; 1/2 for one alone."""
    return {
        id_: fmean(_sigmoid(score - other) for name, other in scores.items() if name != id_) if len(scores) > 1 else 0.5
        for id_, score in scores.items()
    }


def _sigmoid(x: float) -> float:
    return 0.5 * (1 + math.tanh(x / 2))


def admit(run: Path, use: RewardUse | None, *, begun: bool) -> None:
    """See that a run uses the reward model that it began with, which is above its gate, and note it. After an alarm it
    may go on without one or with another.

    Args:
        begun: whether the run was there before.

    Raises:
        DriftAlarmError: it has ceased to agree with what is true, in this run.
        GateError: the reward model is gone, or is none.
        RunFolderError: the run began with another, or with none.
    """
    path, before, digest = run / RECORD, _record(run), ""
    if use is not None:
        digest = _digest(use)
    if begun and digest != before.get("digest", ""):
        if not before.get("alarm"):
            had = before.get("folder", "no reward model")
            raise RunFolderError(f"{run} was begun with {had}: give the same --reward-model, or choose another --out")
    elif before.get("alarm"):
        raise DriftAlarmError(f"{before['alarm']}; {_MEND}")
    if digest != before.get("digest", ""):
        if (drift := run / DRIFT).exists():
            drift.replace(run / f"drift-{before.get('digest', '')}.jsonl")
        known = [each.id for each in FeedbackLog(run / "episodes").read().entries]  # it may have been trained on these
        folder = str(use.folder) if use else "no reward model"
        write_json(path, {"folder": folder, "digest": digest, "alarm": None, "known": known, "before": before or None})


def _digest(use: RewardUse) -> str:
    """Names a reward model by its report.

    Raises:
        GateError: it has none.
    """
    done = Path(use.folder).parent / DONE
    try:
        return hashlib.sha256(done.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise GateError(
            f"{use.folder}: no report of a reward model beside it ({error.strerror}); "
            "`journeyman train reward` makes both"
        ) from error


def _record(run: Path) -> dict[str, Any]:
    """Which reward model a run has, and whether there was an alarm."""
    path = run / RECORD
    record: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return record


_MEND = (
    "run again without --reward-model, or with one that was trained on fresh judgements too, and it goes on from here"
)


class Watch(TrainerCallback):
    """Holds a reward model against fresh judgements and outcomes after each step; stops the run at an alarm, saved.

    Of several processes the first does so, with what all of them have played, and all of them stop.

    Args:
        run: the run's folder; judgements are read from the feedback log beside its episodes.
    """

    def __init__(self, run: Path, term: LearnedTerm, use: RewardUse, *, steps: int, resumed_from: int = 0) -> None:
        self._run, self._term, self._use = run, term, use
        self._log = FeedbackLog(run / "episodes")
        first = this_process().is_main_process
        self._drift = Drift(run, steps, use.drift, resumed_from=resumed_from) if first else None
        self._before = set(_record(run).get("known", ()))
        self._scores: dict[str, float | None] = {}
        self._episodes: dict[str, Episode] = {}
        """Those that were looked at last, at most `_KEPT` beside the step's own; others are in the store."""
        self.alarm: str | None = None

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.look(state.global_step)
        if self.alarm:
            control.should_save = control.should_training_stop = True

    def look(self, step: int) -> None:
        """After a step, from 1: bet on what it showed."""
        said = [each for part in from_all_processes(self._term.drain()) for each in part]
        if self._drift is not None:
            self._bet(step, said, self._drift)
        self.alarm = from_all_processes(self.alarm)[0]

    def _bet(self, step: int, said: Sequence[_Scored], drift: Drift) -> None:
        self._episodes.clear()
        for group, scores in said:
            self._scores.update(zip((each.id for each in group), scores, strict=True))
            self._episodes.update((each.id, each) for each in group)
        if self._use.ask is not None and step % self._use.every == 0:
            for group, scores in said:
                self._ask(group, scores)
        scored = [each for group, _ in said for each in group if each.reward is not None]
        known = [score for _, scores in said for score in scores if score is not None]
        held = Held(
            step, fmean(known) if known else None, self._labels(drift.judged),
            tuple(x for group, scores in said if (x := agrees_with_outcome(group, scores)) is not None),
            fmean(each.resolved for each in scored) if scored else None,
        )  # fmt: skip
        self.alarm = drift.see(held)
        if self.alarm:
            write_json(self._run / RECORD, {**_record(self._run), "alarm": self.alarm})

    def require_quiet(self) -> None:
        """Raises: DriftAlarmError: there was an alarm."""
        if self.alarm:
            raise DriftAlarmError(f"{self.alarm}; {_MEND}")

    def _ask(self, group: Sequence[Episode], scores: Sequence[float | None]) -> None:
        rated = sorted(((s, n) for n, s in enumerate(scores) if s is not None), key=lambda pair: pair[0])
        for (low, a), (high, b) in list(zip(rated, reversed(rated), strict=True))[: self._use.pairs]:
            if self._use.ask is None or not low < high:
                return
            ranking = self._use.ask(*sorted((group[a], group[b]), key=lambda each: each.id))  # scores are not shown
            if ranking is not None:
                self._log.write(ranking)

    def _labels(self, judged: Collection[str]) -> dict[str, float]:
        """Of each ranking that was not held against the model yet."""
        logged, known, found = self._log.read(), self._before.union(judged), dict[str, float]()
        fresh = {each.id for each in logged.entries if isinstance(each, Ranking)} - known
        if not fresh:
            return {}
        for each in standing(_concerning(logged, fresh), self._find, logged.guidelines()):
            if each.stands and isinstance(each.entry, Ranking) and each.entry.id in fresh:
                for id_ in each.entry.episodes:
                    if id_ not in self._scores and (episode := self._find(id_)) is not None:
                        self._scores[id_] = self._term.score(episode)
                if (value := agrees_with_ranking(each.entry, self._scores)) is not None:
                    found[each.entry.id] = value
        return found

    def _find(self, id_: str) -> Episode | None:
        if id_ not in self._episodes:
            if (found := finder(EpisodeStore(self._run / "episodes"))(id_)) is None:
                return None
            if len(self._episodes) >= _KEPT:
                del self._episodes[next(iter(self._episodes))]
            self._episodes[id_] = found
        return self._episodes[id_]


def _concerning(logged: Logged, fresh: Collection[str]) -> Logged:
    """Of a log some rankings, with what decides whether they stand: others of the same episodes, and what speaks of
    entries. So no episode is read of which nothing new was said."""
    about = {id_ for each in logged.entries if each.id in fresh for id_ in episodes_of(each)}
    return Logged(tuple(
        each for each in logged.entries
        if not (of := episodes_of(each)) or (isinstance(each, Ranking) and about.intersection(of))
    ), ())  # fmt: skip


def learned_term(
    run: Path, use: RewardUse | None, *, steps: int, resumed_from: int
) -> tuple[LearnedTerm | None, list[Watch]]:
    """What a reward model pays in a run, and who watches it; nothing without one.

    Raises:
        ModelError: there is no reward model.
    """
    if use is None:
        return None, []
    term = LearnedTerm(open_scorer(use.folder))
    return term, [Watch(run, term, use, steps=steps, resumed_from=resumed_from)]
