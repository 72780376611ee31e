"""`feedback compile` from the outside: what it prints and leaves, and what it says to bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.journeyman.conftest import Call
from tests.training.feedback.saying import run, say
from tests.training.preferring import episode, view

GOOD, BAD = (episode(f"20260101T000000-{name}", 0.0, view(f"{name}.py")) for name in ("aa", "bb"))


@pytest.fixture
def reviewed(call: Call) -> Path:
    return run(
        Path("runs/mine"), [GOOD, BAD], say("ranking", "r", episodes=[GOOD.id, BAD.id], ranks=[1, 2]),
        say("score", "m", "sim", simulated=True, episode=GOOD.id, value=1.0),
    )  # fmt: skip


def test_feedback_becomes_rows(call: Call, reviewed: Path) -> None:
    done = call("feedback", "compile", "mine", "--out", "rows")
    assert done.exit_code == 0, done.output
    assert "1  pairs.jsonl" in done.stdout and "left out: simulated: 1" in done.stdout
    assert "compiled from 2 lines of feedback: rows" in done.stdout
    again = call("feedback", "compile", reviewed, reviewed, "--out", "rows", "--simulated", "--json")
    made = json.loads(again.stdout)
    assert made["files"]["scores.jsonl"] == made["files"]["scores.jsonl"] | {"rows": 1, "simulated": 1}
    assert len(made["runs"]) == 1 and made["left_out"] == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere", "--out", "rows"), "no episodes in nowhere"),
        (("mine", "--out", "runs"), "holds something else than compiled feedback"),
        (("mine", "--out", "rows", "--guideline", "nonsense"), "no guideline 'nonsense'"),
    ],
)
def test_bad_input_is_one_clear_line(call: Call, reviewed: Path, words: tuple[str, ...], said: str) -> None:
    done = call("feedback", "compile", *words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr.replace("\n", " ") and "Traceback" not in done.stderr
    assert not Path("rows").exists()
