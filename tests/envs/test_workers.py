"""Environments in other processes: the same episode, and what happens when a process is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import StopReason
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.workers import Workers
from journeyman.sandbox.sandbox import ImageError, SandboxUnavailable
from journeyman.tasks.task import Task
from tests.envs.sandboxed import require_sandbox
from tests.making import tiny_task
from tests.processes import eventually

pytestmark = pytest.mark.slow

LOOK = Action("view", {"path": "parcel.py"}).to_json()
EDIT = Action(
    "edit", {"path": "parcel.py", "line": 22, "new": "        return total(self.prices) >= FREE_FROM"}
).to_json()
REPORT = Action("report", {"summary": "done", "claims": []}).to_json()


@pytest.fixture
def workers() -> Iterator[Workers]:
    with Workers(2) as workers:
        yield workers


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return tiny_task(tmp_path / "task")


@pytest.fixture
def backend() -> str:
    return require_sandbox()


def pids(workers: Workers) -> list[int]:
    return [worker._process.pid for worker in workers._workers]


def test_an_episode_is_the_same_as_here(workers: Workers, task: Task, backend: str) -> None:
    found = []
    for env in (RepoEnv(task, backend), workers.open(task, backend)):
        _, info = env.reset(seed=0)
        told = [info["observation"], info["tree_hash"]]
        for action in (LOOK, "no action", EDIT, Action("test", {}).to_json(), REPORT):
            text, reward, terminated, truncated, info = env.step(action)
            tests = info["tests"] and (info["tests"].passed, info["tests"].failed)
            told += [text, reward, terminated, truncated, info["observation"], info["tree_hash"], info["diff"], tests]
        found.append([*told, info["stop"], info["verdict"].resolved, info["terms"]])
        env.close()
    assert found[0] == found[1]
    assert found[0][-3:-1] == [StopReason.REPORTED, True]


def test_a_fork_goes_its_own_way(workers: Workers, task: Task, backend: str) -> None:
    with workers.open(task, backend) as env:
        env.reset()
        env.step(LOOK)
        with env.fork() as other:
            _, _, _, _, edited = other.step(EDIT)
            assert edited["diff"]
        _, _, _, _, looked = env.step(LOOK)
        assert looked["tree_hash"] != edited["tree_hash"]
        assert len(workers) == 1


def test_each_process_is_started_when_the_others_are_busy(workers: Workers, task: Task, backend: str) -> None:
    envs = [workers.open(task, backend) for _ in range(3)]
    for env in envs:
        env.reset()
    assert len(set(pids(workers))) == 2
    for env in envs:
        env.close()
        env.close()
    assert [worker.held for worker in workers._workers] == [0, 0]
    again = workers.open(task, backend)
    again.reset()
    assert len(workers) == 2
    again.close()


def test_a_lost_process_ends_its_episode_unscored(workers: Workers, task: Task, backend: str) -> None:
    env = workers.open(task, backend)
    env.reset()
    env.step(LOOK)
    os.kill(pids(workers)[0], signal.SIGKILL)
    text, reward, terminated, truncated, info = env.step(LOOK)
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert (info["stop"], info["unscored"], info["verdict"]) == (StopReason.SANDBOX_LOST, True, None)
    assert (info["observation"].step, info["observation"].text) == (2, text)
    env.reset()  # in another process
    env.step(LOOK)
    os.kill(pids(workers)[0], signal.SIGKILL)
    assert env.conclude(StopReason.TOKEN_LIMIT)[1]["stop"] is StopReason.SANDBOX_LOST
    env.reset()
    os.kill(pids(workers)[0], signal.SIGKILL)
    with pytest.raises(SandboxUnavailable, match="lost"):
        env.fork()


def test_what_cannot_be_made_is_told_as_here(workers: Workers, task: Task, backend: str) -> None:
    environment = replace(task.environment, python="2.7")
    with pytest.raises(ImageError, match="minor version"):
        workers.open(task.model_copy(update={"environment": environment}), backend).reset()


def test_settings_travel(workers: Workers, task: Task, backend: str) -> None:
    env = workers.open(task, backend, EnvConfig(max_steps=1))
    env.reset()
    assert env.step(LOOK)[4]["stop"] is StopReason.STEP_LIMIT
    env.close()


def test_who_is_killed_leaves_no_process(tmp_path: Path, backend: str) -> None:
    script = f"""
import time
from journeyman.envs.workers import Workers
from tests.making import tiny_task
from pathlib import Path
env = (workers := Workers(1)).open(tiny_task(Path({str(tmp_path / "task")!r})), {backend!r})
env.reset()
print(workers._workers[0]._process.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    assert eventually(lambda: not Path(f"/proc/{worker}").exists(), within_s=30)


def test_a_long_folder_for_temporary_files_is_no_hindrance(
    task: Task, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 20)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with Workers(1) as workers, workers.open(task, backend) as env:
        env.reset()
    assert not list(long.iterdir())
