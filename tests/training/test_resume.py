"""kill -9 in the midst of a GRPO run: it goes on at its last checkpoint, and no step counts twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from journeyman.envs.store import EpisodeStore
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.harbor import save_task
from journeyman.training.monitor import read_steps
from tests.making import tiny_task

TRAIN = """
import os, signal, sys
from journeyman.envs.opening import open_backend, open_task
from journeyman.policies.local_settings import LocalSettings
from journeyman.training.grpo import GrpoSettings, train_grpo

backend, dies_at = sys.argv[1], int(sys.argv[2])

class Watcher:
    def step(self, facts):
        print("told of", facts.step, flush=True)
        if facts.step == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

settings = GrpoSettings(steps=3, tasks_per_step=1, group_size=2, micro_batch=2, concurrency=2)
local = LocalSettings(max_turn_tokens=8, max_episode_tokens=600)
train_grpo("tiny", [open_task("task")], "run", backend=open_backend(backend), settings=settings, local=local,
           monitor=Watcher())
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_and_tells_of_each_step_once(tmp_path: Path, backend: SandboxFactory) -> None:
    save_task(tiny_task(tmp_path / "made"), tmp_path / "task")

    def train(dies_at: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", TRAIN, backend.name, str(dies_at)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    killed = train(dies_at=2)  # its second step is recorded, and not yet saved
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [facts.step for facts in read_steps(tmp_path / "run")] == [1, 2]
    done = train(dies_at=0)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["told of 2", "told of 3"]
    steps = read_steps(tmp_path / "run")
    lines = (tmp_path / "run" / "steps.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [facts.step for facts in steps] == [1, 2, 3]
    for facts in steps:
        shares = facts.shares
        assert (facts.episodes, facts.groups) == (2, 1) and facts.sampled_tokens > 0
        # The second step's episodes had been played when the run was killed, and are not played again.
        assert (shares.sampled > 0) == (shares.environment > 0) == (facts.step != 2) and shares.trained > 0
        assert shares.sampled + shares.waited + shares.trained == pytest.approx(1)
    assert not (tmp_path / "run" / "checkpoints").exists()
    with EpisodeStore(tmp_path / "run" / "episodes") as store:
        played = sorted(each.policy for each in store.summaries())
    assert played == [f"local:run@{step}" for step in (0, 0, 1, 1, 2, 2)]
