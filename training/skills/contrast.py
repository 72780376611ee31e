"""Two personas over the same tasks: each run scored by each guideline, and what keeping to one costs in resolved tasks.

That a run keeps to its own guideline says little where another persona's run keeps to it as well: what counts as
following is how much more it does. Both comparisons are in pairs of the same task.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from journeyman.envs.episode import Episode
from journeyman.envs.guidelines.guideline import Guideline
from journeyman.training.repeats import Estimate, PairedByTask, mean_by_task, mean_difference, paired_by_task
from journeyman.training.skills.adherence import UNTOLD, adherence_of

ALLOWED = 0.02
"""So much of the resolve rate, as a share, a persona may cost."""
_EXACT = 14
"""Tasks up to which all ways to choose the signs are counted; of more, so many are drawn."""
_DRAWS = 10_000


@dataclass(frozen=True, slots=True)
class Played:
    """The episodes of one persona, or of none."""

    name: str
    """How the run is called."""
    guideline: Guideline
    """The one that it is meant to follow."""
    episodes: tuple[Episode, ...]


@dataclass(frozen=True, slots=True)
class Following:
    """How much more a run keeps to its own guideline than another one does, over the tasks of both."""

    run: str
    other: str
    guideline: str
    more: Estimate | None
    """Mean over tasks of the difference of scores, in [-1, 1]; None without a task in common."""
    p_value: float
    """Two-sided, by flipping the signs of the tasks' differences."""

    def to_dict(self) -> dict[str, Any]:
        return {"run": self.run, "other": self.other, "guideline": self.guideline,
                "more": self.more.to_dict() if self.more else None, "p_value": self.p_value}  # fmt: skip

    def __str__(self) -> str:
        if self.more is None:
            return f"{self.run} and {self.other} have no task in common"
        low, high = self.more.interval
        said = f"{self.run} keeps to {self.guideline} by {self.more.value:+.2f} more than {self.other}"
        by = f"95% interval {low:+.2f} to {high:+.2f}, {self.more.tasks} tasks, sign-flip p = {self.p_value:.3g}"
        return f"{said} ({by})"


@dataclass(frozen=True, slots=True)
class Contrast:
    """Every run by every guideline."""

    runs: tuple[str, ...]
    guidelines: tuple[str, ...]
    """Of each run the one that it is meant to follow, in the order of the runs."""
    scores: Mapping[tuple[str, str], Estimate | None]
    """By (run, guideline): mean score in [0, 1]."""
    following: tuple[Following, ...]
    """Each run against each other one, by its own guideline."""

    def to_dict(self) -> dict[str, Any]:
        table = {
            run: {name: found.to_dict() if (found := self.scores[run, name]) else None
                  for name in dict.fromkeys(self.guidelines)}
            for run in self.runs
        }  # fmt: skip
        return {"runs": list(self.runs), "guidelines": list(self.guidelines), "scores": table,
                "following": [each.to_dict() for each in self.following]}  # fmt: skip

    def lines(self) -> list[str]:
        """For the terminal."""
        found = []
        for run, own in zip(self.runs, self.guidelines, strict=True):
            for name in dict.fromkeys(self.guidelines):
                mark = "its own" if name == own else "the other's"
                found.append(f"{run} by {name} ({mark}): {self.scores[run, name] or UNTOLD}")
        return [*found, *map(str, self.following)]


def contrast(runs: Sequence[Played]) -> Contrast:
    """Score every run by every guideline.

    Raises:
        ValueError: fewer than two runs, two of one name, or two of one guideline.
    """
    names = [run.name for run in runs]
    guidelines = {run.guideline.name: run.guideline for run in runs}
    if len(runs) < 2 or len(set(names)) != len(names) or len(guidelines) != len(runs):
        raise ValueError("a contrast needs two runs and more, each with a name and a guideline of its own")
    by: dict[tuple[str, str], dict[str, list[float]]] = {}
    for run in runs:
        for name, guideline in guidelines.items():
            by[run.name, name] = _by_task(run.episodes, guideline)
    return Contrast(
        tuple(names), tuple(run.guideline.name for run in runs),
        {key: mean_by_task((task, value) for task, values in found.items() for value in values)
         for key, found in by.items()},
        tuple(_following(run, other, by) for run in runs for other in runs if other is not run),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cost:
    """What following a guideline costs in resolved tasks."""

    run: str
    against: str
    paired: PairedByTask
    """The run's as the second of each pair."""

    @property
    def verdict(self) -> str:
        """Whether it stays within what a persona may cost, as far as the interval tells."""
        low, high = self.paired.interval
        if not self.paired.pairs:
            return "no pair of the same task and seed"
        if low >= -ALLOWED:
            return f"it costs no more than {ALLOWED:.0%}"
        return (
            f"it costs more than {ALLOWED:.0%}"
            if high < -ALLOWED
            else f"not shown whether it costs more than {ALLOWED:.0%}"
        )

    def to_dict(self) -> dict[str, Any]:
        return {"run": self.run, "against": self.against, "allowed": ALLOWED, "verdict": self.verdict,
                **self.paired.to_dict()}  # fmt: skip

    def lines(self) -> list[str]:
        if not self.paired.pairs:
            return [f"{self.run} against {self.against}: {self.verdict}"]
        return [f"{self.run} against {self.against}, resolve rate {self.paired}: {self.verdict}"]


def cost_of(name: str, episodes: Iterable[Episode], against: str, others: Iterable[Episode]) -> Cost:
    """Compare resolve rates in pairs of the same task and seed. What is unscored has no pair, nor has a task whose
    content is another now. Of several episodes of a pair's half the last counts."""
    mine, theirs = (
        {(e.task, e.seed): e for e in each if e.reward is not None} for each in (episodes, others)
    )  # fmt: skip
    common = [(theirs[key], mine[key]) for key in sorted(mine.keys() & theirs.keys())]
    same = [(a, b) for a, b in common if a.versions.get("task", "") == b.versions.get("task", "")]
    return Cost(name, against, paired_by_task((a.task, a.resolved, b.resolved) for a, b in same))


def _by_task(episodes: Iterable[Episode], guideline: Guideline) -> dict[str, list[float]]:
    episodes = tuple(episodes)
    scores, found = adherence_of(episodes, guideline).scores, defaultdict[str, list[float]](list)
    for episode in episodes:
        if episode.id in scores:
            found[episode.task].append(scores[episode.id])
    return found


def _following(run: Played, other: Played, by: Mapping[tuple[str, str], Mapping[str, Sequence[float]]]) -> Following:
    name = run.guideline.name
    own, theirs = by[run.name, name], by[other.name, name]
    pairs = {task: _mean(own[task]) - _mean(theirs[task]) for task in own.keys() & theirs.keys()}
    more = mean_difference((task, pairs[task]) for task in sorted(pairs))
    return Following(run.name, other.name, name, more, flipped(list(pairs.values())))


def flipped(differences: Sequence[float]) -> float:
    """Two-sided p of a mean at least as far from 0 if each difference were as likely to have the other sign: exact for
    few tasks, else by 10,000 draws of the same seed."""
    values = [value for value in differences if value]
    far, count = abs(math.fsum(values)) - 1e-12, len(values)
    if not values:
        return 1.0
    if count <= _EXACT:
        sums = [0.0]
        for value in values:
            sums = [total + sign for total in sums for sign in (value, -value)]
        return sum(abs(total) >= far for total in sums) / len(sums)
    rng = Random(0)
    hits = sum(abs(sum(value if rng.random() < 0.5 else -value for value in values)) >= far for _ in range(_DRAWS))
    return (hits + 1) / (_DRAWS + 1)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
