"""`train corrections` and `train hindsight` from the outside: what they make of failures, and what they say of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from journeyman.envs.config import EnvConfig
from journeyman.envs.opening import open_backend
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.tasks.harbor import load_task, save_task
from tests.journeyman.conftest import Call
from tests.making import tiny_project
from tests.training.test_corrections import REPORT, TEST, VIEW, WRONG
from tests.training.test_hindsight import DOUBLE


@pytest.mark.slow
def test_a_failure_becomes_a_correction(call: Call, task_folder: Path, backend: str) -> None:
    with EpisodeStore(Path("runs/own")) as store:
        env = RepoEnv(load_task(task_folder), open_backend(backend), EnvConfig(max_steps=4))
        failed = rollout(env, ScriptedPolicy((VIEW, WRONG, TEST, REPORT)), seed=0, store=store)
    words = ("train", "corrections", "--episodes", "runs/own", "--out", "runs/mended", "--backend", backend)
    done = call(*words)
    assert done.exit_code == 0, done.output
    assert "1 correction in runs/mended" in done.stdout
    assert "journeyman train sft --episodes runs/mended" in done.stdout
    again = json.loads(call(*words, "--json").stdout)
    (child,) = EpisodeStore(Path("runs/mended")).episodes()
    assert again == {"run": "runs/mended", "episodes": [child.id], "left_out": {}}
    assert child.ancestry is not None and child.ancestry.episode == failed.id


@pytest.mark.slow
def test_a_milestone_becomes_a_demonstration(call: Call, tmp_path: Path, backend: str) -> None:
    task = save_task(tiny_project(tmp_path / "made"), tmp_path / "project")
    with EpisodeStore(Path("runs/own")) as store:
        env = RepoEnv(task, open_backend(backend))
        episode = rollout(env, ScriptedPolicy((DOUBLE, REPORT)), seed=0, store=store)
        store.add(replace(episode, id="gone", task="gone", versions={}))
    done = call("train", "hindsight", "--episodes", "runs/own", "--out", "runs/reached", "--backend", backend)
    assert done.exit_code == 0, done.output
    assert "1 demonstration in runs/reached" in done.stdout
    assert "1  no task gone is there any more: --task names its folder" in done.stderr
    (child,) = EpisodeStore(Path("runs/reached")).episodes()
    replayed = call("replay", child.id, "--run", "runs/reached", "--verify")
    assert replayed.exit_code == 0, replayed.output


@pytest.mark.parametrize("command", ["corrections", "hindsight"])
def test_bad_input_is_one_clear_line(call: Call, command: str) -> None:
    done = call("train", command, "--episodes", "nowhere", "--out", "runs/x")
    assert done.exit_code == 2
    assert "no episodes in nowhere" in done.stderr
    assert not Path("runs/x").exists()
