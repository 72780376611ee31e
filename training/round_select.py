"""Which episodes of a round are imitated: the best of those that were verified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from journeyman.envs.episode import Episode
from journeyman.tasks.task import Task
from journeyman.training.selection import select


@dataclass(frozen=True, slots=True)
class Candidate:
    """An episode that might be imitated."""

    episode: Episode
    run: str
    """Where it is recorded, below the root of the rounds."""
    round: int
    is_own: bool
    """Whether a model played it, not the reference."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is imitated, the tasks in the order of their names, and why the others are not."""

    chosen: tuple[Candidate, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Reason → how many."""

    def to_dict(self) -> dict[str, Any]:
        chosen = [{"run": c.run, "episode": c.episode.id, "task": c.episode.task, "own": c.is_own} for c in self.chosen]
        return {"chosen": chosen, "left_out": dict(self.left_out)}


class Select(Protocol):
    """How a round chooses; another way can stand in the place of `best_verified`."""

    def __call__(
        self, found: Sequence[Candidate], tasks: Mapping[str, Task], rejected: Collection[str], per_task: int
    ) -> Selection: ...


def best_verified(
    found: Sequence[Candidate], tasks: Mapping[str, Task], rejected: Collection[str], per_task: int
) -> Selection:
    """Those that `select` chooses of what no person rejected: so many of a task, and so many that recovered.

    A model's own before the reference's, the latest round's before earlier ones.
    """
    left: Counter[str] = Counter()
    by_id: dict[str, Candidate] = {}
    for each in found:
        if each.episode.id in rejected:
            left["rejected by a reviewer"] += 1
        elif each.episode.task not in tasks:
            left["the task is gone"] += 1
        else:
            by_id[each.episode.id] = each

    def rank(episode: Episode) -> tuple[bool, int]:
        candidate = by_id[episode.id]
        return not candidate.is_own, -candidate.round

    best = select((each.episode for each in by_id.values()), per_task=per_task, rank=rank)
    chosen = sorted((by_id[episode.id] for episode in best.episodes), key=lambda each: each.episode.task)
    return Selection(tuple(chosen), left + Counter(best.left_out))
