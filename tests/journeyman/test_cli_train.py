"""`train`, `eval` and `demo` from the outside: what they print, and what they say to bad input."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from journeyman.tasks.harbor import bundled_tasks
from tests.journeyman.conftest import Call

# One character is one token of the tiny model, so its episodes are long.
TINY = ("--model", "tiny", "--episodes", "runs/oracle", "--max-length", "9999", "--out", "runs/sft")


def test_evaluation_prints_the_rate_with_its_interval(call: Call, task_folder: Path, backend: str) -> None:
    done = call("eval", "--policy", "oracle", "--tasks", task_folder, "--backend", backend)
    assert done.exit_code == 0, done.output
    assert "resolve rate: 1/1 = 100.0% (95% interval 20.7% to 100.0%)" in done.stdout
    assert "stop reasons: reported 1" in done.stdout


def test_two_policies_are_compared_in_pairs(call: Call, task_folder: Path, backend: str) -> None:
    call("eval", "--policy", "noop", "--tasks", task_folder, "--backend", backend, "--out", "runs/noop")
    done = call(
        "eval", "--policy", "oracle", "--tasks", task_folder, "--backend", backend, "--against", "runs/noop", "--json"
    )
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert (result["resolved"], result["paired"]["only_second"], result["paired"]["p_value"]) == (1, 1, 1.0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("eval", "--policy", "oracle", "--preset", "huge", "--tasks", "till-line-rounding"), "no preset 'huge'"),
        (("eval", "--policy", "orakle", "--tasks", "till-line-rounding"), "no policy 'orakle'"),
        (("eval", "--policy", "local:./nowhere", "--tasks", "till-line-rounding"), "no such model"),
        (
            ("eval", "--policy", "noop", "--tasks", "till-line-rounding", "--against", "nothing.json"),
            "--against nothing.json",
        ),
        (("train", "sft", "--episodes", "nowhere", "--out", "x"), "no episodes in nowhere"),
        (("train", "grpo", "--model", "./nowhere", "--tasks", "till-line-rounding", "--out", "x"), "no such model"),
        (("train", "grpo", "--model", "tiny", "--tasks", "tilt-line-rounding", "--out", "x"), "did you mean till-line"),
        (
            ("train", "grpo", "--tasks", "till-line-rounding", "--micro-batch", "5", "--out", "x"),
            "multiple of micro_batch",
        ),
    ],
)
def test_bad_input_is_one_clear_line(call: Call, backend: str, words: tuple[str, ...], said: str) -> None:
    done = call(*words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_from_an_oracle_to_a_model(call: Call, task_folder: Path, backend: str) -> None:
    for words in (
        ("run", task_folder, "--policy", "oracle", "--backend", backend, "--out", "runs/oracle"),
        ("train", "sft", *TINY),
        (
            "eval",
            "--policy",
            "local:runs/sft/model",
            "--tasks",
            task_folder,
            "--backend",
            backend,
            "--out",
            "runs/after",
        ),
    ):
        done = call(*words)
        assert done.exit_code == 0, done.output
    shutil.copytree(task_folder, "both/seen")
    shutil.copytree(bundled_tasks()[0].repository.parents[1], "both/new")
    seen = call("eval", "--policy", "local:runs/sft/model", "--tasks", "both", "--backend", backend)
    assert seen.exit_code == 2
    assert "1 of 2 tasks are kin of what was trained on (1 by same task)" in seen.stderr
    assert "--allow-overlap" in seen.stderr
    assert Path("runs/sft/model/model.safetensors").exists()
    again = call("train", "sft", *TINY, "--epochs", "2")
    assert again.exit_code == 2
    assert "other settings (epochs)" in again.stderr
