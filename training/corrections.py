"""Lessons from a policy's own failures: its episode up to where its tests failed, then somebody who mends it.

The failed episode is done again up to that step (policies/fork.py), with the log as it was observed; from there the
mender plays the way to the reference solution, or to what another episode of the group left. The new episode is
recorded with its ancestry, so that supervised training learns what came after the fork and never the faulty edit
(training/tokens.py), with a diagnosis that the record proves (training/diagnosis.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.formats.assemble import IMPORTED
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.fork import Branch, Different, ForkError
from journeyman.policies.mender import MenderPolicy
from journeyman.policies.policy import PolicyError
from journeyman.sandbox.sandbox import SandboxFactory, Snapshot
from journeyman.tasks.task import Task, TaskError
from journeyman.training.changes import is_change
from journeyman.training.diagnosis import is_broken
from journeyman.training.progress import Progress, silent
from journeyman.training.selection import select

ROOM = 8
"""Actions that the mender may take after the fork, however few the parent's settings leave."""


class Fix(StrEnum):
    """Whose solution the mender plays."""

    REFERENCE = "reference"
    """The task's own."""
    GROUP = "group"
    """That of the best resolved episode of the same task; the reference where there is none."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of it."""

    episodes: tuple[Episode, ...]
    """Resolved, in the order of their parents."""
    left_out: dict[str, int]
    """Why nothing was made of an episode, or of a place in one → how often."""


def failing_points(episode: Episode, most: int = 1) -> tuple[int, ...]:
    """After how many steps the episode stood before a failure of its own making; `most` of them, the first ones.

    That is after a test run that failed on changed files, once for each state of the files. Where it changed files
    and never saw its tests fail, it is after the last change: whoever goes on runs the tests.
    """
    found: dict[str, int] = {}
    last, is_changed = 0, False
    for number, step in enumerate(episode.steps, 1):
        if is_change(step) and step.observation.ok:
            last, is_changed = number, True
        elif is_broken(step.tests) and is_changed:
            found.setdefault(step.tree_hash, number)
    return tuple(found.values())[:most] or ((last,) if last else ())


def collect_corrections(
    episodes: Sequence[Episode],
    task_of: Callable[[Episode], Task],
    *,
    backend: SandboxFactory,
    store: EpisodeStore,
    fix: Fix = Fix.REFERENCE,
    per_episode: int = 1,
    progress: Progress = silent,
) -> Collected:
    """Correct every failed episode. Forks that `store` holds already are not played again.

    Args:
        task_of: finds an episode's task.
        per_episode: so many places of each at most.

    Raises:
        SandboxError: the environment cannot be made here.
        KeyboardInterrupt: what was played is kept.
    """
    made = _Maker(task_of, backend, store, _goals(episodes) if fix is Fix.GROUP else {})
    points = {}
    for episode in episodes:
        if why := _unfit(episode):
            made.left_out[why] += 1
        elif not (found := failing_points(episode, per_episode)):
            made.left_out["changed nothing that could be mended"] += 1
        else:
            points[episode.id] = (episode, found)
    total = sum(len(found) for _, found in points.values())
    progress(0, total)
    for episode, found in points.values():
        for _ in made.correct(episode, found):
            progress(made.done, total, f"{len(made.episodes)} mended")
    return Collected(tuple(made.episodes), dict(made.left_out.most_common()))


class _Maker:
    def __init__(
        self, task_of: Callable[[Episode], Task], backend: SandboxFactory, store: EpisodeStore,
        goals: dict[str, Episode],
    ) -> None:  # fmt: skip
        self._task_of, self._backend, self._store, self._goals = task_of, backend, store, goals
        self._trees: dict[str, Snapshot] = {}
        self._played = {
            (each.ancestry.episode, each.ancestry.step): each
            for each in store.episodes()
            if each.ancestry is not None and each.policy == MenderPolicy.name and each.stop != StopReason.INTERRUPTED
        }
        self.done = 0
        self.episodes: list[Episode] = []
        self.left_out: Counter[str] = Counter()

    def correct(self, parent: Episode, points: Sequence[int]) -> Iterator[None]:
        """Go on from each of the points; yields after each."""
        missing = [at for at in points if (parent.id, at) not in self._played]
        try:
            if missing:
                self._play(parent, missing)
        except (ForkError, PolicyError, TaskError) as error:
            why = "its steps cannot be done again as they were" if isinstance(error, ForkError) else str(error)
            self.left_out[why] += sum((parent.id, at) not in self._played for at in points)
        for at in points:
            self.done += 1
            if (child := self._played.get((parent.id, at))) is not None:
                self._keep(child)
            yield

    def _play(self, parent: Episode, points: Sequence[int]) -> None:
        task = self._task_of(parent)
        goal = self._goal(parent, task)
        with Branch(self._env(task, parent, points[-1] + ROOM), parent) as branch:
            for at in points:
                branch.go_to(at)
                policy = MenderPolicy(task, branch.snapshot, goal)
                self._played[parent.id, at] = branch.run(Different(policy), store=self._store)

    def _keep(self, child: Episode) -> None:
        if child.resolved:
            self.episodes.append(child)
        else:
            self.left_out[child.detail or "still not resolved"] += 1

    def _goal(self, parent: Episode, task: Task) -> Snapshot | None:
        """What the best episode of the group left."""
        sibling = self._goals.get(parent.task)
        if sibling is None:
            return None
        if sibling.id not in self._trees:
            at = len(sibling.steps) - (sibling.stop is StopReason.REPORTED)
            with Branch(self._env(task, sibling, at + 1), sibling, at) as branch:
                self._trees[sibling.id] = branch.snapshot
        return self._trees[sibling.id]

    def _env(self, task: Task, episode: Episode, steps: int) -> RepoEnv:
        config = EnvConfig.from_dict(episode.config)
        return RepoEnv(
            task,
            self._backend,
            config.model_copy(update={"max_steps": max(steps, config.max_steps or task.budget.max_steps)}),
        )


def _goals(episodes: Sequence[Episode]) -> dict[str, Episode]:
    """The best resolved episode of each task."""
    return {each.task: each for each in select(episodes, per_task=1).episodes}


def _unfit(episode: Episode) -> str:
    if IMPORTED in episode.versions:
        return "imported, so its actions cannot be done again"
    if episode.policy == MenderPolicy.name:
        return "a correction itself"
    return "resolved, so nothing is to be corrected" if episode.resolved else ""
