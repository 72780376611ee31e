"""A run as it is seen: a picture on a terminal, a line for each step elsewhere, and from another terminal."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from journeyman.live import follow, left_s, sparkline, step_line, view, watching
from journeyman.training.monitor import StepFacts, StepLog, read_steps
from journeyman.training.stopwatch import Shares
from tests.journeyman.conftest import Call

FACTS = StepFacts(
    1, 8, 100.0, 9, 3, 1, 3, 2, 0.25, {"outcome": 0.2, "honesty": -0.01}, {"reported": 9}, 0.0123, 4000, 9000,
    Shares(sampled=0.5, environment=0.4, graded=0.1, trained=0.3, waited=0.2, in_environment=2.5, in_grading=0.4),
)  # fmt: skip
STEPS = [replace(FACTS, step=step, resolved=step) for step in range(1, 5)]
LINE = (
    "step 1/8: resolved 3/8, reward 0.250 (outcome +0.200, honesty -0.010), signal 2/3, 40 tokens/s, "
    "sampled 50%, waited 20%, trained 30%, 100 s"
)


def console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120, color_system=None)


def printed(found: Console) -> str:
    assert isinstance(found.file, io.StringIO)
    return found.file.getvalue()


def test_the_picture_says_how_far_how_well_and_who_waits() -> None:
    shown = console(terminal=False)
    shown.print(view(STEPS, "runs/grpo"))
    text = printed(shown)
    assert "runs/grpo   step 4 of 8   7 min left   7 min so far" in text
    assert "▂▃▄▅  50%   reward 0.250" in text
    assert "outcome +0.200, honesty -0.010" in text
    assert "█" * 24 + "░" * 10 + "▓" * 14 + "  sampled 50%, waited 20%, trained 30%" in text
    assert "2.5 episodes in environments, 0.4 graded" in text
    assert text.splitlines()[-1].split() == [
        "4", "4/8", "0.250", "2/3", "0.012", "40", "50%", "40%", "10%", "20%", "30%", "2", "min"
    ]  # fmt: skip


def test_a_step_without_a_score_is_shown_as_such() -> None:
    unscored = replace(FACTS, unscored=9, resolved=0, reward=None, terms={}, loss=None)
    shown = console(terminal=False)
    shown.print(view([FACTS, unscored], "x", finished=True))
    assert "▄·  –   reward –" in printed(shown) and "finished" in printed(shown)
    assert step_line(unscored).startswith("step 1/8: resolved 0/0, reward –, signal")
    assert sparkline([0.0, 1.0, None]) == "▁█·"
    assert left_s([FACTS]) == 700


def test_names_of_terms_cannot_act_on_the_terminal() -> None:
    assert "\x1b" not in step_line(replace(FACTS, terms={"\x1b[2J": 1.0}))


def test_elsewhere_than_on_a_terminal_a_step_is_a_line() -> None:
    shown = console(terminal=False)
    with watching("x", console=shown) as monitor:
        monitor.step(FACTS)
    assert printed(shown) == LINE + "\n"


def test_on_a_terminal_the_picture_moves_and_knows_what_was_before() -> None:
    shown = console(terminal=True)
    with watching("x", STEPS[:2], console=shown) as monitor:
        monitor.step(STEPS[2])
        monitor.step(replace(STEPS[1], resolved=8))  # done again after a resume: the later one is no longer so
    *_, last = re.findall(r"step (\d) of 8", printed(shown))
    assert last == "2"
    assert "▂█" in printed(shown)
    assert re.search(r"\d+ (s|min) in this one", printed(shown))


def test_following_sees_each_change_and_ends_with_the_run(tmp_path: Path) -> None:
    log = StepLog(tmp_path)

    def go_on() -> None:
        done = len(read_steps(tmp_path))
        if done == 2:
            (tmp_path / "done.json").write_text("{}")
        else:
            log.step(STEPS[done])

    seen = [([facts.step for facts in steps], finished) for steps, finished in follow(tmp_path, go_on)]
    assert seen == [([], False), ([1], False), ([1, 2], False), ([1, 2], True)]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run of two steps."""
    log = StepLog(tmp_path)
    for facts in STEPS[:2]:
        log.step(facts)
    (tmp_path / "done.json").write_text("{}")
    return tmp_path


def test_a_finished_run_can_be_watched(call: Call, run: Path) -> None:
    done = call("train", "watch", run)
    assert done.exit_code == 0, done.output
    assert [row.partition(":")[0] for row in done.stdout.splitlines()] == ["step 1/8", "step 2/8"]
    once = call("train", "watch", run, "--once")
    assert "finished" in once.stdout and "step 2 of 8" in once.stdout
    told = json.loads(call("train", "watch", run, "--json").stdout)
    assert told["finished"] and [facts["step"] for facts in told["steps"]] == [1, 2]


def test_a_run_that_takes_no_such_steps_is_not_waited_for(call: Call, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"model": "tiny", "epochs": 1.0}))  # as `train sft` writes it
    for words in ((), ("--once",), ("--json",)):
        done = call("train", "watch", tmp_path, *words)
        assert done.exit_code == 2 and "a run without steps to watch" in " ".join(done.stderr.split())
    (tmp_path / "settings.json").write_text(json.dumps({"model": "tiny", "group_size": 8}))
    assert "no step is done yet" in call("train", "watch", tmp_path, "--once").stdout
    (tmp_path / "settings.json").write_text("[1")
    assert "no training run" in " ".join(call("train", "watch", tmp_path, "--once").stderr.split())


def test_what_is_no_run_is_said_in_one_line(call: Call, run: Path) -> None:
    done = call("train", "watch", "nowhere")
    assert done.exit_code == 2 and "nowhere: no training run" in done.stderr
    (run / "steps.jsonl").write_text("no json\n")
    done = call("train", "watch", run)
    assert done.exit_code == 2 and "steps.jsonl, line 1" in done.stderr
