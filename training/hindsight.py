"""What an unfinished project did achieve, as a demonstration of a task of its own: the milestone that it closed.

Hindsight relabelling (HER, Andrychowicz et al. 2017, arXiv:1707.01495) for repositories: the goal is put to what was
reached. Nothing is relabelled on paper. The milestone becomes a task, whose instruction is the milestone's own and
whose checks are those that close it; the grader finds the first step after which they pass; the actions up to there are
done again in that task's environment, so that what is read is what a policy would read there; and the episode counts
only if the grader finds it resolved.

    OUT/tasks/NAME/    the milestone's task folder, from which the episodes replay
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from journeyman.envs.actions import Action
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode
from journeyman.envs.formats.assemble import IMPORTED
from journeyman.envs.observation import Observation
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.envs.tools.test import visible_failing
from journeyman.policies.fork import ForkError
from journeyman.policies.notes import Notes
from journeyman.policies.rollout import rollout
from journeyman.sandbox.sandbox import SandboxFactory, Snapshot
from journeyman.tasks.grading import grade
from journeyman.tasks.harbor import save_task
from journeyman.tasks.task import CheckKind, Milestone, Task, TaskError
from journeyman.training.closings import first_of, states_of
from journeyman.training.corrections import NOT_AGAIN, Collected, Outcome, collected, is_played, with_room
from journeyman.training.parallel import each_of
from journeyman.training.progress import Progress, silent
from journeyman.training.selection import Why

HINDSIGHT_OF = "hindsight_of"
"""Key of `Episode.versions`: the id of the episode whose actions they were."""
HINDSIGHT_AT = "hindsight_at"
"""Key of `Episode.versions`: the step that closed the milestone."""
NOT_CLOSED = "played again, its milestone is not closed"
_MAX_CHANGED_CLAIMS = 5


def milestone_task(task: Task, name: str) -> Task:
    """A milestone, with those that it builds on, as a task of its own.

    Raises:
        TaskError: it, or one that it builds on, says nothing of its own.
    """
    chain = _chain(task, name)
    if silent_one := next((each.name for each in chain if not each.instruction.strip()), ""):
        raise TaskError(f"{task.name}: the milestone {silent_one} has no instruction of its own")
    wanted = {check for each in chain for check in each.checks}
    checks = [each for each in task.checks if each.id in wanted or each.kind is CheckKind.PASS_TO_PASS]
    made = {
        "name": f"{task.name}--{name}",
        "instruction": "\n\n".join(f"{each.title}\n{each.instruction}".strip() for each in chain),
        "checks": tuple(checks),
        "milestones": (),
        "metadata": {**task.metadata, "milestone_of": task.name},
    }
    return Task(**{field: getattr(task, field) for field in Task.model_fields} | made)


def _chain(task: Task, name: str) -> list[Milestone]:
    """The milestone and all that it builds on, in an order in which they can be built."""
    by_name = {each.name: each for each in task.milestones}
    needed, waiting = set[str](), [name]
    while waiting:
        if (one := waiting.pop()) not in needed:
            needed.add(one)
            waiting += by_name[one].depends_on
    return [each for each in task.in_order() if each.name in needed]


class HindsightPolicy:
    """Does what was done up to the step that closed the milestone, tests where a visible test tells, and reports."""

    name = "hindsight"

    def __init__(self, parent: Episode, first: int, at: int, task: Task) -> None:
        """
        Args:
            first: so many of the parent's actions are left out, as they were for something else.
            at: the step that closed it, counted from 1.
            task: the milestone's.
        """
        self._parent, self._first, self._at = parent, first, at
        steps = [step for step in parent.steps[first:at] if step.action.tool != "plan"]
        self._actions = [replace(step.action, tokens=None) for step in steps]
        if visible_failing(task) and steps[-1].action.tool != "test":
            self._actions.append(Action("test"))
        changed = {step.action.arguments.get("path") for step in steps if step.diff}
        self._changed = sorted(str(path) for path in changed if path)[:_MAX_CHANGED_CLAIMS]
        self._notes, self._done = Notes(), 0

    def start(self, *, seed: int) -> None:
        self._notes, self._done = Notes(), 0

    def act(self, observation: Observation) -> Action:
        self._notes.read(observation)
        self._done += 1
        if self._done <= len(self._actions):
            return self._actions[self._done - 1]
        claims = [{"kind": "tests_pass"}] if self._notes.tests_pass else []
        claims += [{"kind": "changed", "subject": path} for path in self._changed]
        return Action("report", {"summary": f"Wrote {', '.join(self._changed) or 'it'}.", "claims": claims})

    def versions(self) -> dict[str, str]:
        """See `Versioned`."""
        steps = {"hindsight_from": str(self._first), HINDSIGHT_AT: str(self._at)}
        return {HINDSIGHT_OF: self._parent.id, "hindsight_by": self._parent.policy, **steps}

    def close(self) -> None:
        """Nothing is held."""


def relabel(
    episodes: Sequence[Episode],
    task_of: Callable[[Episode], Task],
    *,
    backend: SandboxFactory,
    store: EpisodeStore,
    concurrency: int = 4,
    progress: Progress = silent,
) -> Collected:
    """A demonstration for every milestone that an unresolved episode closed, with all that the milestone builds on.

    What `store` holds already is not played again.

    Args:
        task_of: finds an episode's task.
        concurrency: so many episodes are looked at at once.

    Raises:
        SandboxError: the environment cannot be made here.
        KeyboardInterrupt: what was played is kept.
    """
    left_out: Counter[str] = Counter()
    fit: dict[str, Episode] = {}
    for episode in episodes:
        if why := _unfit(episode):
            left_out[why] += 1
        else:
            fit[episode.id] = episode
    maker = _Relabeller(task_of, backend, store)
    done, reached = 0, 0
    progress(done, len(fit))

    def on_done(outcomes: list[Outcome]) -> None:
        nonlocal done, reached
        done, reached = done + 1, reached + sum(isinstance(each, Episode) for each in outcomes)
        progress(done, len(fit), f"{reached} demonstrations")

    results = each_of(list(fit.values()), maker.relabel, concurrency=concurrency, on_done=on_done)
    return collected(results, left_out)


class _Relabeller:
    def __init__(self, task_of: Callable[[Episode], Task], backend: SandboxFactory, store: EpisodeStore) -> None:
        self._task_of, self._backend, self._store = task_of, backend, store
        self._saved: dict[str, Task] = {}
        self._lock = threading.Lock()
        self._played = {
            (each.versions[HINDSIGHT_OF], each.task): each
            for each in store.episodes()
            if HINDSIGHT_OF in each.versions and is_played(each)
        }

    def relabel(self, parent: Episode, stop: threading.Event) -> list[Outcome]:
        """Play, or find again, a demonstration of each milestone that the episode closed."""
        found: list[Outcome] = []
        try:
            for outcome in self._each(parent, self._task_of(parent), stop):
                found.append(outcome)
        except (ForkError, TaskError) as error:
            found.append(NOT_AGAIN if isinstance(error, ForkError) else str(error))
        return found

    def _each(self, parent: Episode, task: Task, stop: threading.Event) -> Iterator[Outcome]:
        assert parent.verdict is not None
        closed = {name for name, is_closed in parent.verdict.milestones.items() if is_closed}
        trees: list[tuple[int, Snapshot]] | None = None
        closings: dict[str, int] = {}
        for milestone in task.in_order():
            chain = {each.name for each in _chain(task, milestone.name)}
            if not chain <= closed:
                continue
            try:
                own = self._task(task, milestone.name)
            except TaskError as error:  # it says too little to be asked for alone; the others may say enough
                yield str(error)
                continue
            child = self._played.get((parent.id, own.name))
            if child is None:
                trees = list(states_of(task, parent, self._backend))[1:] if trees is None else trees
                if (at := self._closing(own, trees)) is None:
                    yield "graded again, its milestone is not closed"
                    continue
                before = {step for name, step in closings.items() if name not in chain and step < at}
                child = self._play(parent, own, sorted(before, reverse=True), at, stop)
            closings[milestone.name] = int(child.versions[HINDSIGHT_AT])
            yield child if child.resolved else NOT_CLOSED if is_played(child) else Why.UNSCORED

    def _task(self, task: Task, milestone: str) -> Task:
        made = milestone_task(task, milestone)
        with self._lock:
            if made.name not in self._saved:
                self._saved[made.name] = save_task(made, self._store.folder / "tasks" / made.name.replace("/", "-"))
            return self._saved[made.name]

    def _closing(self, own: Task, trees: Sequence[tuple[int, Snapshot]]) -> int | None:
        """After how many steps the milestone was closed: there it is, and in the state before it was not."""

        def is_closed(number: int) -> bool:
            return grade(own, trees[number][1], self._backend).resolved is True

        if not trees or not is_closed(len(trees) - 1):
            return None
        return trees[first_of(len(trees), is_closed)][0]

    def _play(self, parent: Episode, own: Task, starts: Sequence[int], at: int, stop: threading.Event) -> Episode:
        """From the latest start from which the grader finds it resolved, else from the beginning."""
        for first in (*starts, 0):
            policy = HindsightPolicy(parent, first, at, own)
            child = rollout(self._env(own, parent, at + 2), policy, seed=parent.seed, cancelled=stop)
            if child.resolved or first == 0:
                break
        self._store.add(child)
        return child

    def _env(self, task: Task, parent: Episode, steps: int) -> RepoEnv:
        return RepoEnv(task, self._backend, with_room(EnvConfig.from_dict(parent.config), task, steps))


def _unfit(episode: Episode) -> str:
    if IMPORTED in episode.versions:
        return "imported, so its actions cannot be done again"
    if episode.resolved:
        return "resolved, so it is a demonstration as it is"
    if episode.verdict is None or not any(episode.verdict.milestones.values()):
        return "closed no milestone"
    return ""
