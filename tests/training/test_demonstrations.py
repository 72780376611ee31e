"""Demonstrations are played once, some with a mistake and its recovery; none knows more than its observations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, StopReason, TestRun
from journeyman.envs.observation import Observation
from journeyman.envs.store import EpisodeStore
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.tasks.verdict import Assurance, Verdict
from journeyman.training.demonstrations import collect_demonstrations, is_exemplary
from journeyman.training.presets import preset

CONFIG = preset("medium").env.model_copy(update={"max_steps": 30})
PASSED, FAILED = TestRun(passed=("t",)), TestRun(failed=("t",))
EDIT = Step(Action("edit", {"path": "a.py", "line": 1, "new": "x"}), Observation("edited"))


def after(found: TestRun) -> Step:
    return Step(Action("test"), Observation("…"), tests=found)


@pytest.fixture
def bug_and_project(tasks: tuple[Task, ...]) -> tuple[Task, Task]:
    bug = next(task for task in tasks if not task.milestones)
    return bug, next(task for task in tasks if task.milestones)


def episode(*steps: Step) -> Episode:
    resolved = Verdict({}, {}, resolved=True, assurance=Assurance.FRESH, tree_hash="")
    return Episode("e", "t", "mistaken", 0, Observation("Fix it."), steps, StopReason.REPORTED, 1.0, (), resolved)


def test_a_repair_after_the_tests_passed_is_not_imitated(bug_and_project: tuple[Task, Task]) -> None:
    bug, project = bug_and_project
    assert is_exemplary(episode(EDIT, after(FAILED), EDIT, after(PASSED)), bug)
    knowing = episode(EDIT, after(PASSED), EDIT, after(PASSED))
    assert not is_exemplary(knowing, bug)
    cut = replace(after(PASSED), tests=None, fault="interrupted", observation=Observation("interrupted", "test", False))
    assert not is_exemplary(episode(EDIT, cut), bug) and is_exemplary(episode(EDIT, cut, after(PASSED)), bug)
    assert is_exemplary(knowing, project), "in a project, the next part follows"


def test_what_is_not_resolved_is_not_imitated(bug_and_project: tuple[Task, Task]) -> None:
    assert not is_exemplary(replace(episode(EDIT, after(PASSED)), verdict=None), bug_and_project[0])


def test_demonstrations_are_resolved_episodes_some_with_a_recovery(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    with EpisodeStore(tmp_path / "demos") as store:
        episodes = collect_demonstrations(
            tasks, backend=backend, store=store, config=CONFIG, mistaken_share=0.5, concurrency=2
        )
        assert [episode.policy for episode in episodes] == ["oracle", "mistaken"]
        assert all(episode.resolved for episode in episodes)
        again = collect_demonstrations(tasks, backend=backend, store=store, config=CONFIG, mistaken_share=0.5)
    assert [episode.id for episode in again] == [episode.id for episode in episodes]


def test_interrupted_and_gone_on_they_are_the_same_as_in_one_piece(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    with EpisodeStore(tmp_path / "demos") as store:
        collect_demonstrations(tasks[:1], backend=backend, store=store, config=CONFIG, mistaken_share=0.0)
        episodes = collect_demonstrations(tasks, backend=backend, store=store, config=CONFIG, mistaken_share=0.0)
    assert [episode.seed for episode in episodes] == [0, 1]
