"""`journeyman run`, then `journeyman replay --verify`: what was recorded is what happens again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from journeyman.cli_run import read_settings
from journeyman.envs.episode import StopReason
from journeyman.envs.store import EpisodeStore
from journeyman.envs.summary import State
from tests.journeyman.conftest import Call
from tests.processes import hears_ctrl_c


def test_the_oracle_resolves_the_task_and_its_episode_verifies(call: Call, task_folder: Path, backend: str) -> None:
    shown = call("run", task_folder, "--policy", "oracle", "--backend", backend, "--seed", "7")
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.startswith("resolved") and "seed 7, reward 1.00" in shown.stdout
    assert "report" in shown.stderr, "each step is told as it happens"
    (episode,) = EpisodeStore("runs/default").episodes()
    assert episode.resolved and episode.seed == 7
    again = call("replay", "last", "--verify")
    assert again.exit_code == 0 and again.stdout.startswith(f"identical  {episode.id}")


@pytest.mark.slow
def test_environments_in_other_processes_are_told_of(call: Call, task_folder: Path, backend: str) -> None:
    words = ("run", task_folder, "--policy", "oracle", "--backend", backend, "--engine", "processes")
    shown = call(*words, "--episodes", "2")
    assert shown.exit_code == 0, shown.stderr
    assert "environments in 1 process\n" in shown.stdout
    assert call("replay", "last", "--verify").exit_code == 0


def test_a_record_that_was_tampered_with_differs_at_that_step(call: Call, task_folder: Path, backend: str) -> None:
    call("run", task_folder, "--backend", backend)
    (honest,) = EpisodeStore("runs/default").episodes()
    steps = list(honest.steps)
    where = next(n for n, step in enumerate(steps) if step.tests is not None)
    steps[where] = replace(steps[where], observation=replace(steps[where].observation, text="all is \x1b[2Jwell"))
    with EpisodeStore("runs/forged") as store:
        store.add(replace(honest, steps=tuple(steps)))
    shown = call("replay", "last", "--run", "forged", "--verify")
    assert shown.exit_code == 1
    assert f"at step {where + 1}: observation" in shown.stdout and "all is \\x1b[2Jwell" in shown.stdout
    data = json.loads(call("replay", "--run", "forged", "--verify", "--json").stdout)
    assert data[0]["identical"] is False and data[0]["difference"]["recorded"] == "all is \x1b[2Jwell"


def test_a_task_that_changed_since_is_named_as_the_reason(call: Call, task_folder: Path, backend: str) -> None:
    call("run", task_folder, "--backend", backend)
    instruction = task_folder / "instruction.md"
    instruction.write_text("Another wish.\n")
    shown = call("replay", "--verify")
    assert shown.exit_code == 1 and "at step 0: observation" in shown.stdout
    assert "not the one that was recorded" in shown.stdout


def test_many_episodes_of_every_task_in_a_folder(call: Call, task_folder: Path, backend: str) -> None:
    shown = call(
        "run", task_folder, "--policy", "noop", "--episodes", 3, "--concurrency", 2, "--backend", backend, "--json"
    )
    data = json.loads(shown.stdout)
    assert [
        (each["seed"], each["resolved"], each["reward"]) for each in sorted(data["episodes"], key=lambda e: e["seed"])
    ] == [
        (0, False, 0.0),
        (1, False, 0.0),
        (2, False, 0.0),
    ]
    assert "3 episodes" in call("episode", "list").stdout


@pytest.mark.parametrize(
    "words,message",
    [
        (["nowhere"], "`journeyman task list` shows the bundled ones"),
        (["till-line-roundin"], "did you mean till-line-rounding?"),
        (["till-line-rounding", "--policy", "genius"], "no policy 'genius'; there are: noop, random, oracle"),
        (["till-line-rounding", "--policy", "endpoint:ftp://x#m"], "http"),
        (["till-line-rounding", "--backend", "cloud"], "cloud"),
        (["till-line-rounding", "--set", "max_steps"], "NAME=VALUE"),
        (["till-line-rounding", "--set", "max_step=3"], "max_step"),
        (["till-line-rounding", "--set", "max_steps=0"], "max_steps"),
    ],
)
def test_bad_input_is_one_line_and_makes_no_run(call: Call, words: list[str], message: str) -> None:
    shown = call("run", *words)
    assert shown.exit_code == 2 and shown.stdout == ""
    assert shown.stderr.startswith("error: ") and message in shown.stderr and shown.stderr.count("\n") == 1
    assert not Path("runs").exists()


def test_settings_are_read_as_json_or_as_words() -> None:
    config = read_settings(["max_steps=3", "test_scope=failing", "show_tree=false"])
    assert (config.max_steps, config.test_scope, config.show_tree) == (3, "failing", False)


class Refusing(BaseHTTPRequestHandler):
    """An endpoint that lets nobody in."""

    def do_POST(self) -> None:
        self.send_error(401)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_a_policy_that_fails_is_recorded_and_said(call: Call, task_folder: Path, backend: str) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        policy = f"endpoint:http://127.0.0.1:{server.server_port}/v1#nobody"
        shown = call("run", task_folder, "--policy", policy, "--backend", backend)
        server.shutdown()
    assert shown.exit_code == 2 and "the policy failed in 1 episode" in shown.stderr
    (episode,) = EpisodeStore("runs/default").episodes()
    assert episode.stop is StopReason.POLICY_ERROR and episode.reward is None


def test_a_task_that_is_gone_is_asked_for(call: Call, task_folder: Path, backend: str) -> None:
    call("run", task_folder, "--backend", backend)
    task_folder.rename(moved := task_folder.with_name("elsewhere"))
    shown = call("replay", "--verify")
    assert shown.exit_code == 2 and "--task FOLDER" in shown.stderr
    assert call("replay", "--verify", "--task", moved).exit_code == 0


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="mounting a small disk needs root")
def test_a_full_disk_is_one_line_and_what_was_acknowledged_can_be_replayed(
    task_folder: Path, tmp_path: Path, backend: str
) -> None:
    (tmp_path / "disk").mkdir()
    script = f"""mount -t tmpfs -o size=16k none disk || exit 77
        {sys.executable} -m journeyman run {task_folder} --policy noop --episodes 40 --backend {backend} --out disk/run
        echo "exit $?" >&2
        {sys.executable} -m journeyman episode list --run disk/run --json"""
    shown = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    if shown.returncode == 77:
        pytest.skip("no mounting here")
    assert "No space left on device" in shown.stderr and "is kept" in shown.stderr and "exit 2" in shown.stderr
    assert "Traceback" not in shown.stderr
    said = shown.stdout.count("not resolved")
    states = [each["state"] for each in json.loads(shown.stdout[shown.stdout.index("{") :])["episodes"]]
    assert said >= 1 and states.count("finished") == said


def test_ctrl_c_says_what_was_kept_and_keeps_it(task_folder: Path, tmp_path: Path, backend: str) -> None:
    command = [sys.executable, "-m", "journeyman", "run", str(task_folder), "--policy", "random", "--episodes", "999",
               "--backend", backend, "--out", "kept"]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, preexec_fn=hears_ctrl_c
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # one episode has ended
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in errors
    assert "interrupted; " in errors and "are kept in kept" in errors
    states = [each.state for each in EpisodeStore(tmp_path / "kept").summaries()]
    assert State.FINISHED in states and State.RUNNING not in states and State.DAMAGED not in states
