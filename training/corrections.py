"""Lessons from a policy's own failures: its episode up to where it went wrong, then somebody who mends it.

That is where its tests failed, or where a call of its own was refused. So far the failed episode is done again
(policies/fork.py), with what was observed; from there the mender plays the way to the reference solution, or to what
another episode of the group left. The new episode is recorded with its ancestry, so that supervised training learns
what came after the fork and never the faulty edit (training/tokens.py), with a diagnosis that the record proves
(training/diagnosis.py).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from journeyman.envs.changes import is_change
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.formats.assemble import IMPORTED
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.fork import Branch, Different, ForkError
from journeyman.policies.mender import MENDS_TO, REFERENCE, MenderPolicy
from journeyman.policies.policy import PolicyError
from journeyman.sandbox.sandbox import SandboxFactory, Snapshot
from journeyman.tasks.task import Task, TaskError
from journeyman.training.diagnosis import is_broken
from journeyman.training.parallel import each_of
from journeyman.training.progress import Progress, silent
from journeyman.training.selection import Why, recovers, select

Outcome = Episode | str
"""A resolved episode, or why there is none."""
NOT_AGAIN = "its steps cannot be done again as they were"
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
    and never saw its tests fail, it is after the last change: whoever goes on runs the tests. Where that leaves room,
    it is also after the first call that was refused, such as an edit that changes nothing.
    """
    found: dict[str, int] = {}
    last, is_changed, refused = 0, False, 0
    for number, step in enumerate(episode.steps, 1):
        if is_change(step):
            last, is_changed = number, True
        elif is_broken(step.tests) and is_changed:
            found.setdefault(step.tree_hash, number)
        if not (refused or step.observation.ok or step.fault):
            refused = number
    points = [*found.values()][:most] or [last]
    if len(points) < most or not points[0]:
        points.append(refused)
    return tuple(sorted({point for point in points if point}))


def collect_corrections(
    episodes: Sequence[Episode],
    task_of: Callable[[Episode], Task],
    *,
    backend: SandboxFactory,
    store: EpisodeStore,
    fix: Fix = Fix.REFERENCE,
    per_episode: int = 1,
    concurrency: int = 4,
    progress: Progress = silent,
) -> Collected:
    """Correct every failed episode. Forks that `store` holds already, to the same solution, are not played again.

    Args:
        task_of: finds an episode's task.
        per_episode: so many places of each at most.
        concurrency: so many episodes are mended at once.

    Raises:
        SandboxError: the environment cannot be made here.
        KeyboardInterrupt: what was played is kept.
    """
    left_out: Counter[str] = Counter()
    points: dict[str, tuple[Episode, tuple[int, ...]]] = {}
    for episode in episodes:
        if why := _unfit(episode):
            left_out[why] += 1
        elif found := failing_points(episode, per_episode):
            points[episode.id] = (episode, found)
        else:
            left_out["did nothing that could be mended"] += 1
    maker = _Maker(task_of, backend, store, _goals(episodes) if fix is Fix.GROUP else {})
    total, done, mended = sum(len(found) for _, found in points.values()), 0, 0
    progress(done, total)

    def on_done(outcomes: list[Outcome]) -> None:
        nonlocal done, mended
        done, mended = done + len(outcomes), mended + sum(isinstance(each, Episode) for each in outcomes)
        progress(done, total, f"{mended} mended")

    results = each_of(list(points.values()), maker.correct, concurrency=concurrency, on_done=on_done)
    return collected(results, left_out)


def collected(results: Iterable[Iterable[Outcome]], left_out: Counter[str]) -> Collected:
    """What came of all of it, added to what was left out before."""
    made = []
    for outcome in chain.from_iterable(results):
        if isinstance(outcome, Episode):
            made.append(outcome)
        else:
            left_out[outcome] += 1
    return Collected(tuple(made), dict(left_out.most_common()))


class _Maker:
    def __init__(
        self, task_of: Callable[[Episode], Task], backend: SandboxFactory, store: EpisodeStore,
        goals: dict[str, Episode],
    ) -> None:  # fmt: skip
        self._task_of, self._backend, self._store, self._goals = task_of, backend, store, goals
        self._trees: dict[str, Snapshot] = {}
        self._lock = threading.Lock()
        self._played = {
            (each.ancestry.episode, each.ancestry.step, each.versions.get(MENDS_TO, REFERENCE)): each
            for each in store.episodes()
            if each.ancestry is not None and each.policy == MenderPolicy.name and is_played(each)
        }

    def correct(self, failed: tuple[Episode, tuple[int, ...]], stop: threading.Event) -> list[Outcome]:
        """Go on from each of an episode's points, or find again what was played."""
        parent, points = failed
        whose = self._whose(parent)
        played = {at: self._played.get((parent.id, at, whose)) for at in points}
        found: dict[int, Outcome] = {at: _outcome(child) for at, child in played.items() if child is not None}
        missing = [at for at in points if at not in found]
        try:
            if missing:
                self._play(parent, missing, stop, found)
        except (ForkError, TaskError) as error:
            why = NOT_AGAIN if isinstance(error, ForkError) else str(error)
            found |= {at: why for at in missing if at not in found}
        return [found[at] for at in points]

    def _play(
        self, parent: Episode, points: Sequence[int], stop: threading.Event, found: dict[int, Outcome]
    ) -> None:  # fmt: skip
        """Go on from one point after the other; what was played before a point that cannot be reached stays found."""
        task = self._task_of(parent)
        goal = self._goal(parent, task)
        with Branch(self._env(task, parent, points[-1] + ROOM), parent) as branch:
            for at in points:
                branch.go_to(at)
                try:
                    policy = MenderPolicy(task, branch.snapshot, goal, self._whose(parent))
                except PolicyError as error:
                    found[at] = str(error)
                else:
                    found[at] = _outcome(branch.run(Different(policy), store=self._store, cancelled=stop))

    def _whose(self, parent: Episode) -> str:
        """Who shows what an episode is mended to."""
        sibling = self._goals.get(parent.task)
        return REFERENCE if sibling is None else sibling.id

    def _goal(self, parent: Episode, task: Task) -> Snapshot | None:
        """What the best episode of the group left."""
        sibling = self._goals.get(parent.task)
        if sibling is None:
            return None
        with self._lock:
            if sibling.id not in self._trees:
                at = len(sibling.steps) - (sibling.stop is StopReason.REPORTED)
                with Branch(self._env(task, sibling, at + 1), sibling, at) as branch:
                    self._trees[sibling.id] = branch.snapshot
            return self._trees[sibling.id]

    def _env(self, task: Task, episode: Episode, steps: int) -> RepoEnv:
        return RepoEnv(task, self._backend, with_room(EnvConfig.from_dict(episode.config), task, steps))


def with_room(config: EnvConfig, task: Task, steps: int) -> EnvConfig:
    """The settings, with at least so many actions in an episode."""
    return config.model_copy(update={"max_steps": max(steps, config.max_steps or task.budget.max_steps)})


def is_played(child: Episode) -> bool:
    """Whether played again it would come to the same: it was scored, or its policy, which does the same, gave up."""
    return child.reward is not None or child.stop is StopReason.POLICY_ERROR


def _outcome(child: Episode) -> Outcome:
    if child.resolved:
        return child
    return child.detail or "still not resolved" if is_played(child) else Why.UNSCORED


def _goals(episodes: Sequence[Episode]) -> dict[str, Episode]:
    """The best resolved episode of each task: one that recovered only where there is no other."""
    best = sorted(select(episodes, per_task=1).episodes, key=recovers, reverse=True)
    return {each.task: each for each in best}


def _unfit(episode: Episode) -> str:
    if IMPORTED in episode.versions:
        return "imported, so its actions cannot be done again"
    if episode.policy == MenderPolicy.name:
        return "a correction itself"
    return "resolved, so nothing is to be corrected" if episode.resolved else ""
