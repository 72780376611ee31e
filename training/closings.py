"""Which step of a recorded episode closed each milestone: its actions are done again, and the states in between graded.

It is searched by halves, so a milestone that was closed, broken and closed again has one of its closings found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.fork import Branch, ForkError
from journeyman.sandbox.sandbox import SandboxFactory, Snapshot
from journeyman.tasks.grading import grade
from journeyman.tasks.task import Task


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

    def closed_at(number: int) -> set[str]:
        if number not in known:
            verdict = grade(task, states[number][1], backend)
            if verdict.resolved is None:
                raise _UnscoredError
            known[number] = {name for name, is_closed in verdict.milestones.items() if is_closed}
        return known[number]

    found = {}
    with suppress(_UnscoredError):  # the machine's fault: what is not known is not guessed
        for name in closed:
            low, high = -1, len(states) - 1
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if name in closed_at(middle) else (middle, high)
            found[name] = states[high][0]
    return found


class _UnscoredError(Exception):
    """A state could not be graded."""


def states_of(task: Task, episode: Episode, backend: SandboxFactory) -> Iterator[tuple[int, Snapshot]]:
    """The states of the files that an episode went through, the first among them, each with how many steps led there.

    Raises:
        ForkError: it does not go as it went.
    """
    steps = [step for step in episode.steps if step.action.tool != "report"]
    config = EnvConfig.from_dict(episode.config)
    # Room for one more, lest the last step end the episode, and the files be gone.
    more = len(steps) + 1
    most = {"max_steps": max(more, config.max_steps or task.budget.max_steps)}
    room = config.model_copy(update=most | {"malformed_limit": max(more, config.malformed_limit)})
    with Branch(RepoEnv(task, backend, room), episode) as branch:
        before = branch.snapshot
        yield 0, before
        for at in range(1, len(steps) + 1):
            branch.go_to(at)
            if branch.snapshot.tree_hash != before.tree_hash:
                before = branch.snapshot
                yield at, before
