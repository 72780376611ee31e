"""The oracles recover from every fault, within what they are shown, and what they do then is worth showing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.faults import injector
from journeyman.envs.faults.kinds import ALL_KINDS
from journeyman.envs.faults.settings import Faults
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.fork import Branch, Different
from journeyman.policies.mender import MenderPolicy
from journeyman.policies.oracle import MistakenOraclePolicy, OraclePolicy
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.tasks.harbor import bundled_tasks
from journeyman.tasks.task import Task
from journeyman.training.demonstrations import is_exemplary
from journeyman.training.presets import preset
from journeyman.training.skills.recovery import recovery_of
from tests.making import tiny_task

NAMED = "`is_free` says no to a parcel worth exactly 50."
FIRST = partial(OraclePolicy, with_test_first=True)


@pytest.fixture(autouse=True)
def at_the_first_occasion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(injector, "_AT_ONCE", 1.0)


def under(kind: str) -> EnvConfig:
    return preset("small").env.model_copy(update={"faults": Faults(kinds=(kind,)), "show_tree": True})


def faults_of(episode: Episode) -> list[str]:
    return [episode.fault or step.fault for step in episode.steps if episode.fault or step.fault]


def tools(episode: Episode) -> str:
    return " ".join(step.action.tool for step in episode.steps)


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("make", [FIRST, MistakenOraclePolicy], ids=["oracle", "mistaken"])
def test_it_recovers_in_the_room_that_small_models_have(
    kind: str, make: Callable[[Task], OraclePolicy], tmp_path: Path, backend: str
) -> None:
    task = tiny_task(tmp_path, instruction=NAMED)
    room = 1 if (kind, make) == ("shifted-lines", MistakenOraclePolicy) else 0  # two detours are one step too many
    config = under(kind).model_copy(update={"max_steps": 8 + room})
    episode = rollout(RepoEnv(task, backend, config), make(task), seed=0)  # a mistake that a test notices
    assert faults_of(episode)
    assert episode.stop is StopReason.REPORTED and is_exemplary(episode, task), tools(episode)
    recovery = recovery_of([episode])
    assert recovery.recovered.successes == 1 and recovery.steps is not None and recovery.steps[1] <= 6


@pytest.mark.parametrize(
    ("kind", "played"),
    [
        ("interrupted", "test test view edit test report"),
        ("lost-edit", "test view edit test view edit test report"),
        ("stale-plan", "test view edit test report"),
        ("shifted-lines", "test view edit view edit test report"),
        ("wrong-file", "test view view edit test report"),
        ("times-out", "test test view edit test report"),
    ],
)
def test_it_does_what_helps(kind: str, played: str, tmp_path: Path, backend: str) -> None:
    task = tiny_task(tmp_path, instruction=NAMED)
    make = OraclePolicy if kind == "stale-plan" else FIRST
    episode = rollout(RepoEnv(task, backend, under(kind)), make(task), seed=2)
    assert tools(episode) == played
    if kind == "times-out":
        named = [step.action.arguments.get("target", "") for step in episode.steps if step.action.tool == "test"]
        assert named[0] == "" and named[1] == named[2] != ""
        assert episode.steps[-1].action.arguments["claims"][0]["subject"] == named[1], "it claims what it saw, no more"


@pytest.mark.parametrize("kind", ["interrupted", "lost-edit", "shifted-lines"])
def test_the_mender_recovers_too(kind: str, tmp_path: Path, backend: str) -> None:
    task = tiny_task(tmp_path, instruction=NAMED)
    config = under(kind)
    failed = rollout(RepoEnv(task, backend, config), ScriptedPolicy([]), seed=2)
    with Branch(RepoEnv(task, backend, config), failed, 0) as branch:
        mended = branch.run(Different(MenderPolicy(task, branch.snapshot)), last=True)
    assert mended.resolved and faults_of(mended)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ALL_KINDS)
def test_it_recovers_in_the_bundled_tasks(kind: str, backend: str) -> None:
    """Their failing checks are hidden, so nothing is lost there, and no test misleads."""
    chosen = [task for task in bundled_tasks() if task.name.endswith(("till-line-rounding", "pinwheel-resolver"))]
    assert len(chosen) == 2
    for task in chosen:
        config = EnvConfig(window_lines=24, faults=Faults(kinds=(kind,)))
        episode = rollout(RepoEnv(task, backend, config), OraclePolicy(task), seed=2)
        assert is_exemplary(episode, task), (task.name, tools(episode))
        assert recovery_of([episode]).recovered.successes == bool(faults_of(episode)), tools(episode)
