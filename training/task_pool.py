"""Which tasks the next round plays: those at the border of what the model can, and new ones.

A group teaches by what tells its episodes apart, so a task that is always or never solved teaches nothing (Yu et al.
2025, arXiv:2503.14476, leave such groups out). What decides is the last round in which a task was played:

    solved by all      dropped
    20 to 80% solved   played again, first of all
    never played       new: a share of each round, in the pool's order
    the others         as far as there is room: those above 80%, those below 20%, those never solved

The draw follows from the recorded episodes alone: done again, it is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from journeyman.envs.episode import Episode
from journeyman.tasks.task import Task, TaskError
from journeyman.training.checkpoint import TrainingError
from journeyman.training.evaluate import TaskResult

LOW, HIGH = 0.2, 0.8
"""Shares of a task's episodes; between them, both included, is the border."""


class PoolError(TrainingError):
    """There is no task left to play."""


@dataclass(frozen=True, slots=True)
class Played:
    """How a task went when it was last played."""

    solved: int
    scored: int
    """Unscored episodes say nothing about the task."""
    round: int

    @property
    def share(self) -> float:
        return self.solved / self.scored


@dataclass(frozen=True, slots=True)
class Draw:
    """The tasks of one round."""

    chosen: Mapping[str, str]
    """Task → why, in words; in the order of their choice."""
    dropped: tuple[str, ...]
    """Solved by all episodes when they were last played."""
    waiting: int
    """How many others were left for later rounds."""


def last_played(rounds: Iterable[tuple[int, Sequence[TaskResult]]]) -> dict[str, Played]:
    """Task → how it went, of (number of the round, what was collected in it), the first round first."""
    found: dict[str, Played] = {}
    for number, results in rounds:
        scored = [result for result in results if result.reward is not None]
        for task in dict.fromkeys(result.task for result in scored):
            of_task = [result.resolved for result in scored if result.task == task]
            found[task] = Played(sum(of_task), len(of_task), number)
    return found


def draw(names: Sequence[str], played: Mapping[str, Played], size: int, new_share: float) -> Draw:
    """Choose at most `size` of the pool's tasks.

    Args:
        names: the pool, in an order of which any beginning is a fair mix.
        new_share: of `size`, so many places are for tasks that were never played, while there are any.

    Raises:
        PoolError: all are solved by all episodes, or there are none.
    """
    dropped = tuple(name for name in names if name in played and played[name].share == 1)
    known = sorted((name for name in names if name in played and name not in dropped), key=lambda n: _rank(n, played))
    new = [name for name in names if name not in played]
    if not known and not new:
        raise PoolError(f"no task is left in the pool: all {len(dropped)} are solved by all episodes; give more tasks")
    border = [name for name in known if LOW <= played[name].share <= HIGH]
    beyond = [name for name in known if name not in border]
    kept_for_new = min(len(new), round(size * new_share))
    first = border[: size - kept_for_new]
    order = [*first, *new, *border[len(first) :], *beyond]
    chosen = order[:size]
    reasons = {name: _reason(name, played) for name in chosen}
    return Draw(reasons, dropped, len(known) + len(new) - len(chosen))


def _rank(name: str, played: Mapping[str, Played]) -> tuple[int, int, str]:
    """Easy before hard before hopeless; what was not seen for longest first; else in an order that favours nobody."""
    share = played[name].share
    kind = 0 if share >= LOW else 1 if share > 0 else 2
    return kind, played[name].round, hashlib.sha256(name.encode()).hexdigest()


def _reason(name: str, played: Mapping[str, Played]) -> str:
    if name not in played:
        return "new"
    last = played[name]
    return f"{last.solved} of {last.scored} solved in round {last.round}"


def task_among(tasks: Mapping[str, Task]) -> Callable[[Episode], Task]:
    """Finds an episode's task among those of the pool, by name; what it gives raises TaskError where it is gone."""

    def found(episode: Episode) -> Task:
        if episode.task not in tasks:
            raise TaskError("the task is gone")
        return tasks[episode.task]

    return found
