"""`train` and `demo` from the outside: what they print, and what they say to bad input."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from journeyman.cli_train import reporting, say_trained
from journeyman.cli_train_sft import say_left_out
from journeyman.tasks.harbor import bundled_tasks
from tests.journeyman.conftest import Call

# One character is one token of the tiny model, so its episodes are long.
TINY = ("--model", "tiny", "--episodes", "runs/oracle", "--max-length", "9999", "--out", "runs/sft")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "sft", "--episodes", "nowhere", "--out", "x"), "no episodes in nowhere"),
        (("train", "grpo", "--model", "./nowhere", "--tasks", "till-line-rounding", "--out", "x"), "no such model"),
        (("train", "grpo", "--model", "tiny", "--tasks", "tilt-line-rounding", "--out", "x"), "did you mean till-line"),
        (
            ("train", "grpo", "--tasks", "till-line-rounding", "--micro-batch", "5", "--out", "x"),
            "multiple of micro_batch",
        ),
        (("train", "grpo", "--tasks", "till-line-rounding", "--review", "terminal", "--out", "x"), "nobody is asked"),
        (
            ("train", "grpo", "--tasks", "till-line-rounding", "--review=rules", "--engine=processes", "--out", "x"),
            "reviewed in this process alone: leave out the engine",
        ),
    ],
)
def test_bad_input_is_one_clear_line(call: Call, backend: str, words: tuple[str, ...], said: str) -> None:
    done = call(*words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "option"),
    [("sft", "--epochs"), ("dpo", "--epochs"), ("reward", "--learning-rate"), ("grpo", "--learning-rate"),
     ("grpo", "--temperature")],
)  # fmt: skip
def test_what_is_no_finite_number_is_refused(call: Call, command: str, option: str) -> None:
    done = call("train", command, *(() if command == "grpo" else ("--episodes", "x")), option, "inf", "--out", "y")
    assert done.exit_code == 2, done.output
    assert "inf is not a finite number" in " ".join(done.stderr.split())


def test_names_with_brackets_are_no_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "[").mkdir()
    (tmp_path / "[/done.json").write_text("{}")
    say_trained(tmp_path / "[/z]", as_json=False)
    assert f"model: {tmp_path}/[/z]\n" in capsys.readouterr().out
    with reporting() as stage:
        stage("Evaluate a[/x]b")(1, 1, "of [/y]")
    shown = capsys.readouterr().err
    assert "Evaluate a[/x]b" in shown and "of [/y]" in shown
    say_left_out({"no [/z]": 1})
    assert "1  no [/z]" in capsys.readouterr().err


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
