"""Which episodes of a round are imitated: the best of those that were verified."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from journeyman.envs.episode import Episode
from journeyman.tasks.task import Task
from journeyman.training.demonstrations import is_exemplary


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
        return {**asdict(self), "chosen": chosen}


class Select(Protocol):
    """How a round chooses; another way can stand in the place of `best_verified`."""

    def __call__(
        self, found: Sequence[Candidate], tasks: Mapping[str, Task], rejected: Collection[str], per_task: int
    ) -> Selection: ...


def best_verified(
    found: Sequence[Candidate], tasks: Mapping[str, Task], rejected: Collection[str], per_task: int
) -> Selection:
    """Resolved, led by what was seen (`is_exemplary`), not rejected by a person, no two alike, so many of a task.

    A model's own before the reference's, the latest round's before earlier ones, then the shorter.
    """
    left: dict[str, int] = {}
    chosen: list[Candidate] = []
    seen: set[str] = set()
    of_task: dict[str, int] = {}
    for each in sorted(found, key=_rank):
        episode, task = each.episode, tasks.get(each.episode.task)
        likeness = json.dumps([episode.task, *([s.action.tool, s.action.arguments] for s in episode.steps)])
        reason = (
            "not resolved" if not episode.resolved
            else "rejected by a reviewer" if episode.id in rejected
            else "the task is gone" if task is None
            else "not led by what it saw" if not is_exemplary(episode, task)
            else "the same actions" if likeness in seen
            else f"more than {per_task} of its task" if of_task.get(episode.task, 0) >= per_task
            else ""
        )  # fmt: skip
        if reason:
            left[reason] = left.get(reason, 0) + 1
            continue
        seen.add(likeness)
        of_task[episode.task] = of_task.get(episode.task, 0) + 1
        chosen.append(each)
    return Selection(tuple(chosen), left)


def _rank(each: Candidate) -> tuple[str, bool, int, int, int, int]:
    episode = each.episode
    tokens = sum(len(step.action.tokens.sampled_ids) for step in episode.steps if step.action.tokens)
    return episode.task, not each.is_own, -each.round, len(episode.steps), tokens, episode.seed
