"""Which step closed a milestone, found by doing the actions again and grading in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.review_rules import ScriptedReviewer
from journeyman.envs.reviews import Reviews, remark
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.closings import closing_steps
from tests.making import tiny_project

pytestmark = pytest.mark.slow

VIEW = Action("view", {"path": "times.py"})
REPORT = Action("report", {"summary": "done", "claims": []})


def write(double: str, quadruple: str) -> Action:
    text = f"def double(x):\n    {double}\n\n\ndef quadruple(x):\n    {quadruple}\n"
    return Action("write", {"path": "times.py", "content": text})


FIRST = write("return 2 * x", "raise NotImplementedError")
BOTH = write("return 2 * x", "return 4 * x")
WRONG = write("return 3 * x", "raise NotImplementedError")


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return tiny_project(tmp_path)


def played(task: Task, backend: SandboxFactory, *actions: Action) -> Episode:
    return rollout(RepoEnv(task, backend), ScriptedPolicy(actions), seed=0)


def test_each_milestone_has_the_step_that_closed_it(task: Task, backend: SandboxFactory) -> None:
    episode = played(task, backend, VIEW, WRONG, FIRST, VIEW, BOTH, REPORT)
    assert closing_steps(task, episode, backend) == {"double": 3, "quadruple": 5}


def test_of_what_was_not_closed_nothing_is_said(task: Task, backend: SandboxFactory) -> None:
    assert closing_steps(task, played(task, backend, FIRST, REPORT), backend) == {"double": 1}
    assert closing_steps(task, played(task, backend, WRONG, REPORT), backend) == {}


def test_an_episode_that_does_not_go_again_tells_nothing(task: Task, backend: SandboxFactory) -> None:
    episode = played(task, backend, FIRST, REPORT)
    (task.repository / "more.py").write_text("")
    assert closing_steps(task, episode, backend) == {}


def test_a_report_that_was_sent_back_is_a_step_like_any_other(task: Task, backend: SandboxFactory) -> None:
    env = RepoEnv(task, backend, reviews=Reviews(ScriptedReviewer([remark("And the other one?")])))
    episode = rollout(env, ScriptedPolicy((FIRST, REPORT, BOTH, REPORT)), seed=0)
    assert closing_steps(task, episode, backend) == {"double": 1, "quadruple": 3}
