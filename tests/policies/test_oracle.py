"""The oracles solve tasks through the tools alone, and look before they edit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from journeyman.envs.claims import Standing, check_claims
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.plans import story_of
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.dialect import DIALECTS
from journeyman.policies.oracle import MistakenOraclePolicy, OraclePolicy
from journeyman.policies.rollout import rollout
from journeyman.tasks.harbor import bundled_tasks
from journeyman.tasks.task import Task
from tests.making import PARCEL, tiny_project, tiny_task, write_files

Play = Callable[..., Episode]


@pytest.fixture
def play(backend: str) -> Play:
    """Plays an episode, which must be an exemplary one."""
    return partial(_play, backend)


def _play(backend: str, task: Task, policy: OraclePolicy, *, seed: int = 0) -> Episode:
    episode = rollout(RepoEnv(task, backend, EnvConfig(window_lines=24)), policy, seed=seed)
    assert episode.stop is StopReason.REPORTED, episode.detail
    assert episode.reward == 1.0, "the reference solution pays 1"
    assert all(step.observation.ok for step in episode.steps), "an oracle asks for nothing that is refused"
    claims = episode.steps[-1].action.parsed().claims
    assert claims
    assert all(finding.standing is Standing.SUPPORTED for finding in check_claims(claims, episode.steps[:-1]))
    _assert_looked_before_editing(episode)
    return episode


def _tools(episode: Episode) -> str:
    return " ".join(step.action.tool for step in episode.steps)


def _assert_looked_before_editing(episode: Episode) -> None:
    shown = ""
    for step in episode.steps:
        if step.action.tool == "edit":
            call = step.action.parsed()
            for line in {call.line, call.end or call.line}:
                assert f"\n{line}|" in shown, f"line {line} of {call.path} was never shown"
        shown += f"\n{step.observation.text}"


def test_a_bug_that_is_named_takes_four_steps(play: Play, tmp_path: Path) -> None:
    task = tiny_task(tmp_path, instruction="`is_free` says no to a parcel worth exactly 50.")
    episode = play(task, OraclePolicy(task))
    assert _tools(episode) == "view edit test report"
    assert episode.steps[0].action.arguments == {"path": "parcel.py", "symbol": "is_free"}
    assert episode.steps[1].action.arguments["new"] == "        return total(self.prices) >= FREE_FROM"
    assert DIALECTS["lines"].format(episode.steps[-1].action) == "report Fixed is_free.\ntests_pass"


def test_a_bug_that_nobody_names_is_looked_for(play: Play, tmp_path: Path) -> None:
    task = tiny_task(tmp_path)
    assert _tools(play(task, OraclePolicy(task))) == "outline view edit test report"


def test_a_class_that_is_named_leads_to_its_method(play: Play, tmp_path: Path) -> None:
    task = tiny_task(tmp_path, instruction="Parcel charges a parcel worth exactly 50.")
    episode = play(task, OraclePolicy(task))
    assert _tools(episode) == "view edit test report"
    assert episode.steps[0].action.arguments["symbol"] == "Parcel"


def test_the_test_can_be_run_first(play: Play, tmp_path: Path) -> None:
    task = tiny_task(tmp_path)
    episode = play(task, OraclePolicy(task, with_test_first=True))
    assert _tools(episode) == "test view edit test report", "the failing test names the function"


def test_a_caller_that_is_named_leads_to_the_fault(play: Play, tmp_path: Path) -> None:
    source = PARCEL.replace("result += price", "result -= price")
    write_files(tmp_path, {"repository/parcel.py": source, "solution/parcel.py": PARCEL})
    task = tiny_task(tmp_path, instruction="Nothing `is_free` any more.")
    write_files(tmp_path, {"repository/parcel.py": source, "solution/parcel.py": PARCEL.replace("> FREE", ">= FREE")})
    episode = play(task, OraclePolicy(task))
    views = [s.action.arguments["symbol"] for s in episode.steps if s.action.tool == "view"]
    assert views == ["is_free", "total"]


def test_a_long_function_is_viewed_where_the_fault_is(play: Play, tmp_path: Path) -> None:
    body = "".join(f"    x += {n}\n" for n in range(60))
    source = PARCEL + f"\n\ndef far(x):\n{body}    return x - 1\n"
    task = tiny_task(tmp_path, instruction="`far` and `is_free` are off by one.")
    write_files(
        tmp_path,
        {
            "repository/parcel.py": source,
            "solution/parcel.py": source.replace("> FREE_FROM", ">= FREE_FROM").replace("x - 1", "x"),
        },
    )
    play(task, OraclePolicy(task))


def test_a_project_is_planned_and_built_milestone_by_milestone(play: Play, tmp_path: Path) -> None:
    task = tiny_project(tmp_path)
    write_files(tmp_path, {"repository/tests/test_some.py": "def test_some():\n    import times\n"})
    episode = play(task, OraclePolicy(task))
    assert _tools(episode) == "plan view edit test plan view edit test plan report"
    assert [c.kind for c in episode.steps[-1].action.parsed().claims] == ["tests_pass", "changed"]
    assert [s.status for s in episode.steps[-2].action.parsed().subtasks] == ["done", "done"]
    assert [[c.standing for c in part.closings] for part in story_of(episode.steps).parts] == [[Standing.SUPPORTED]] * 2
    assert episode.steps[4].observation.text.startswith("plan of 2 subtasks, 1 done (closed 1); step 4 supported: ")


def test_new_files_are_written_whole(play: Play, tmp_path: Path) -> None:
    task = tiny_task(tmp_path, instruction="`is_free` is wrong.")
    write_files(tmp_path, {"solution/extra/__init__.py": "", "solution/extra/more.py": "x = 1\n\n"})
    assert _tools(play(task, OraclePolicy(task))).split().count("write") == 2


def test_a_mistake_is_seen_and_mended(play: Play, tmp_path: Path) -> None:
    task = tiny_task(tmp_path, instruction="`is_free` says no to a parcel worth exactly 50.")
    seen = 0
    for seed in range(4):
        episode = play(task, MistakenOraclePolicy(task), seed=seed)
        wrong, right = (step.tests for step in episode.steps if step.tests)
        assert not right.failed
        again = "" if wrong.failed else "view "
        assert _tools(episode) == f"view edit test {again}edit test report", "what no test noticed is read over"
        seen += bool(wrong.failed)
    assert seen


@pytest.mark.slow
@pytest.mark.parametrize("kind", [OraclePolicy, MistakenOraclePolicy])
def test_every_bundled_task_is_solved(play: Play, kind: type[OraclePolicy]) -> None:
    for task in bundled_tasks():
        episode = play(task, kind(task))
        for dialect in DIALECTS.values():
            for step in episode.steps:
                assert dialect.parse(dialect.format(step.action)).parsed() == step.action.parsed(), task.name
