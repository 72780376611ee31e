"""An unfinished project shows how its milestone is reached: under the milestone's own words, graded as its own task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.formats.assemble import IMPORTED
from journeyman.envs.opening import open_task
from journeyman.envs.replay import verify
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Check, Task, TaskError
from journeyman.training import hindsight
from journeyman.training.corrections import Collected
from journeyman.training.hindsight import HINDSIGHT_OF, milestone_task, relabel
from journeyman.training.selection import select
from tests.making import tiny_project, write_files

LOOK, REPORT = Action("view", {"path": "times.py"}), Action("report", {"summary": "That is all."})
DOUBLE = Action("edit", {"path": "times.py", "line": 2, "new": "    return 2 * x"})
SLIP = Action("edit", {"path": "times.py", "line": 2, "new": "    return 3 * x"})
WRONG = Action("edit", {"path": "times.py", "line": 6, "new": "    return 3 * x"})
ALONE = Action("edit", {"path": "times.py", "line": 6, "new": "    return 4 * x"})

Play = Callable[..., Episode]
Relabel = Callable[..., Collected]


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return tiny_project(tmp_path / "task")


@pytest.fixture
def play(task: Task, backend: SandboxFactory) -> Play:
    def played(*actions: Action) -> Episode:
        return rollout(RepoEnv(task, backend, EnvConfig(max_steps=len(actions))), ScriptedPolicy(actions), seed=0)

    return played


@pytest.fixture
def relabelled_of(backend: SandboxFactory, tmp_path: Path) -> Callable[[Task], Relabel]:
    def of(task: Task) -> Relabel:
        def made(*episodes: Episode) -> Collected:
            with EpisodeStore(tmp_path / "hindsight") as store:
                return relabel(episodes, lambda _: task, backend=backend, store=store)

        return made

    return of


@pytest.fixture
def relabelled(task: Task, relabelled_of: Callable[[Task], Relabel]) -> Relabel:
    return relabelled_of(task)


def test_a_milestone_is_a_task_of_its_own(task: Task) -> None:
    double, quadruple = (milestone_task(task, name) for name in ("double", "quadruple"))
    assert (double.name, double.instruction) == ("tiny-times--double", "Double\ndouble(x) is twice x.")
    assert double.fail_to_pass == ("tests/test_times.py::test_double",)
    assert not double.milestones and double.metadata["milestone_of"] == task.name
    assert quadruple.instruction == "Double\ndouble(x) is twice x.\n\nTwice double.", "with what it builds on"
    assert quadruple.fail_to_pass == task.fail_to_pass
    mute = task.model_copy(update={"milestones": (task.milestones[0].model_copy(update={"instruction": " "}),)})
    with pytest.raises(TaskError, match="milestone double has no instruction of its own"):
        milestone_task(mute, "double")


@pytest.mark.slow
def test_what_was_reached_becomes_what_was_asked(
    play: Play, relabelled: Relabel, task: Task, backend: SandboxFactory
) -> None:
    parent = play(LOOK, SLIP, DOUBLE, LOOK, WRONG, REPORT)
    assert parent.verdict is not None and parent.verdict.milestones == {"double": True, "quadruple": False}
    (child,) = relabelled(parent).episodes
    assert child.resolved and child.task == "tiny-times--double"
    assert [step.action.tool for step in child.steps] == ["view", "edit", "edit", "report"], "up to where it was closed"
    assert "double(x) is twice x." in child.first.text
    assert task.instruction not in child.first.text and "Twice double" not in child.first.text
    assert (child.versions[HINDSIGHT_OF], child.versions["hindsight_by"]) == (parent.id, "scripted")
    assert select([parent, child]).episodes == (child,)
    own = open_task(child.versions["task_folder"])
    assert verify(child, partial(RepoEnv, own, backend, EnvConfig.from_dict(child.config))).identical
    again = relabelled(parent)
    assert [each.id for each in again.episodes] == [child.id], "it is not played again"


@pytest.mark.slow
def test_what_a_fault_of_ours_ended_is_unscored_and_tried_again(
    play: Play, relabelled: Relabel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*args: Any, **options: Any) -> Episode:
        return replace(rollout(*args, **options), stop=StopReason.SANDBOX_LOST, reward=None, verdict=None)

    parent = play(DOUBLE, REPORT)
    monkeypatch.setattr(hindsight, "rollout", lost)
    assert relabelled(parent).left_out == {"unscored": 1}
    monkeypatch.undo()
    (child,) = relabelled(parent).episodes
    assert child.resolved


@pytest.mark.slow
def test_what_was_done_for_another_milestone_is_left_out(
    task: Task, backend: SandboxFactory, relabelled_of: Callable[[Task], Relabel]
) -> None:
    """Two milestones that do not need each other: who was asked for the second does not begin with the first."""
    first, second = task.milestones
    apart = task.model_copy(update={"milestones": (first, second.model_copy(update={"depends_on": ()}))})
    never = Check(id="tests/test_times.py::test_never")
    unsolved = apart.model_copy(update={"checks": (*apart.checks, never)})
    plan = Action("plan", {"subtasks": [{"title": "double"}, {"title": "quadruple"}]})
    actions = (plan, DOUBLE, LOOK, ALONE, REPORT)
    parent = rollout(RepoEnv(unsolved, backend), ScriptedPolicy(actions), seed=0)
    assert parent.verdict is not None and all(parent.verdict.milestones.values()) and not parent.resolved
    one, two = relabelled_of(unsolved)(parent).episodes
    assert [step.action for step in one.steps[:-1]] == [DOUBLE], "the plan was of the whole"
    assert [step.action for step in two.steps[:-1]] == [LOOK, ALONE]
    assert two.versions["hindsight_from"] == "2"


@pytest.mark.slow
def test_a_milestone_that_says_nothing_takes_nothing_from_the_others(
    task: Task, backend: SandboxFactory, relabelled_of: Callable[[Task], Relabel]
) -> None:
    first, second = task.milestones
    milestones = (first.model_copy(update={"instruction": ""}), second.model_copy(update={"depends_on": ()}))
    never = Check(id="tests/test_times.py::test_never")
    mute = task.model_copy(update={"milestones": milestones, "checks": (*task.checks, never)})
    parent = rollout(RepoEnv(mute, backend), ScriptedPolicy((DOUBLE, ALONE, REPORT)), seed=0)
    found = relabelled_of(mute)(parent)
    assert [each.task for each in found.episodes] == ["tiny-times--quadruple"]
    assert found.left_out == {"tiny-times: the milestone double has no instruction of its own": 1}


@pytest.mark.slow
def test_where_a_visible_test_tells_it_is_run_before_the_report(play: Play, relabelled: Relabel, task: Task) -> None:
    visible = "from times import double\n\n\ndef test_double():\n    assert double(3) == 6\n"
    write_files(task.repository, {"tests/test_times.py": visible})
    (child,) = relabelled(play(DOUBLE, WRONG, REPORT)).episodes
    edit, test, report = child.steps
    assert (edit.action.tool, test.observation.text) == ("edit", "1 passed")
    assert {"kind": "tests_pass"} in report.action.arguments["claims"]


def test_what_reached_nothing_is_left_out_with_the_reason(
    play: Play, relabelled: Relabel, task: Task, tmp_path: Path
) -> None:
    nothing = play(LOOK, REPORT)
    assert nothing.verdict is not None
    claimed = replace(nothing, id="claimed", verdict=replace(nothing.verdict, milestones={"double": True}))
    theirs = replace(claimed, id="theirs", versions={IMPORTED: "openhands"})
    done = replace(nothing, id="done", verdict=replace(nothing.verdict, resolved=True))
    found = relabelled(nothing, claimed, theirs, done)
    assert found.left_out == {
        "closed no milestone": 1,
        "imported, so its actions cannot be done again": 1,
        "resolved, so it is a demonstration as it is": 1,
        "graded again, its milestone is not closed": 1,
    }
    assert not list(EpisodeStore(tmp_path / "hindsight").episodes())
