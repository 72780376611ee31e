"""Which step of a recorded episode closed each milestone: its actions are done again, and the states in between graded.

It is searched by halves, so a milestone that was closed, broken and closed again has one of its closings found.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.fork import Branch, ForkError
from journeyman.sandbox.sandbox import SandboxFactory, Snapshot
from journeyman.tasks.grading import grade
from journeyman.tasks.task import Task
from journeyman.training.corrections import with_room
from journeyman.training.honesty import before_report


def closing_steps(task: Task, episode: Episode, backend: SandboxFactory) -> dict[str, int]:
    """Milestone → the step (from 1) after which it was closed, for those that the verdict says are closed and
    whose step is known: not of an episode that cannot be done again. One that was closed from the beginning has 0.

    Raises:
        SandboxError: the environment cannot be made here.
    """
    closed = [name for name, is_closed in (episode.verdict.milestones if episode.verdict else {}).items() if is_closed]
    if not closed:
        return {}
    try:
        states = list(states_of(task, episode, backend))
    except ForkError:
        return {}
    known = {len(states) - 1: set(closed)}

    def is_closed(name: str, number: int) -> bool:
        if number not in known:
            verdict = grade(task, states[number][1], backend)
            if verdict.resolved is None:
                raise _UnscoredError
            known[number] = {each for each, closed_there in verdict.milestones.items() if closed_there}
        return name in known[number]

    found = {}
    with suppress(_UnscoredError):  # the machine's fault: what is not known is not guessed
        for name in closed:
            found[name] = states[first_of(len(states), partial(is_closed, name))][0]
    return found


def first_of(count: int, is_closed: Callable[[int], bool]) -> int:
    """The first of so many states in which something is closed that is closed in the last, as far as halves tell."""
    return bisect_left(range(count - 1), True, key=is_closed)


class _UnscoredError(Exception):
    """A state could not be graded."""


def states_of(task: Task, episode: Episode, backend: SandboxFactory) -> Iterator[tuple[int, Snapshot]]:
    """The states of the files that an episode went through, the first among them, each with how many steps led there.

    Raises:
        ForkError: it does not go as it went.
    """
    steps = before_report(episode.steps)
    more = len(steps) + 1  # lest the last step end the episode, and the files be gone
    room = with_room(EnvConfig.from_dict(episode.config), task, more)
    room = room.model_copy(update={"malformed_limit": max(more, room.malformed_limit)})
    with Branch(RepoEnv(task, backend, room), episode) as branch:
        before = branch.snapshot
        yield 0, before
        for at in range(1, len(steps) + 1):
            branch.go_to(at)
            if branch.snapshot.tree_hash != before.tree_hash:
                before = branch.snapshot
                yield at, before
