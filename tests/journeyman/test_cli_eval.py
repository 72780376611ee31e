"""`eval` and `leaderboard` from the outside: what they print, what they keep, and what they say to bad input."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from journeyman import cli_eval
from journeyman.evaluation_view import say_evaluation
from journeyman.policies.scripted import NoOpPolicy
from journeyman.training.evaluate import Evaluation
from journeyman.training.measures import Prices
from tests.journeyman.conftest import Call


@pytest.fixture
def measure(call: Call, task_folder: Path, backend: str) -> Any:
    """Calls `journeyman eval` on the one task."""

    def evaluated(policy: str, *words: Any) -> Any:
        done = call("eval", "--policy", policy, "--tasks", task_folder, "--backend", backend, *words)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout) if "--json" in words else done.stdout

    return evaluated


def test_evaluation_prints_the_rate_with_its_interval_and_what_was_checked(measure: Any) -> None:
    said = measure("oracle")
    assert "resolve rate: 1/1 = 100.0% (95% interval 20.7% to 100.0%)" in said
    assert "stop reasons: reported 1" in said
    assert "spent: 0 tokens sampled, 0 read, " in said
    assert "contamination: no model acts; hidden tests' canary in 0 of 1 episode" in said
    assert "pass^k" not in said


def test_two_policies_are_compared_in_pairs(measure: Any) -> None:
    measure("noop", "--out", "runs/noop")
    result = measure("oracle", "--against", "runs/noop", "--json")
    assert (result["resolved"], result["paired"]["only_second"], result["paired"]["p_value"]) == (1, 1, 1.0)
    assert (result["paired"]["difference"], result["paired"]["pairs"]) == (1.0, 1)
    assert "against noop: +1 −0 tasks, McNemar exact p = 1" in measure("oracle", "--against", "runs/noop")
    Path("other.json").write_text(json.dumps({"policy": "other", "facts": {}, "results": []}))
    assert "against other: no task and seed in common" in measure("oracle", "--against", "other.json")


def test_no_other_evaluation_takes_the_place_of_a_result(measure: Any, call: Call, task_folder: Path) -> None:
    measure("noop", "--out", "runs/first", "--seeds", 2)
    before = Path("runs/first/result.json").read_bytes()
    for words in (("oracle", "--seeds", 2), ("noop",), ("noop", "--seeds", 2, "--preset", "medium")):
        done = call("eval", "--policy", words[0], "--tasks", task_folder, "--out", "runs/first", *words[1:])
        assert done.exit_code == 2
        said = " ".join(done.stderr.split())
        assert "holds another evaluation: noop, 1 task, 2 episodes" in said and "choose another --out" in said
        assert Path("runs/first/result.json").read_bytes() == before
    assert measure("noop", "--out", "runs/first", "--seeds", 3, "--json")["scored"] == 3  # more of the same


def test_a_result_that_cannot_be_kept_is_shown_all_the_same(
    measure: Any, call: Call, task_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure("noop")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cli_eval, "write_json", full)
    done = call("eval", "--policy", "noop", "--tasks", task_folder, "--json")
    assert done.exit_code == 2 and json.loads(done.stdout)["scored"] == 1
    assert "result.json: cannot be written (No space left on device)" in " ".join(done.stderr.split())


def test_several_seeds_of_a_task_are_paired_by_task(measure: Any) -> None:
    measure("noop", "--out", "runs/noop", "--seeds", 2)
    said = measure("oracle", "--against", "runs/noop", "--seeds", 2, "--price-hour", 3.6)
    assert "resolve rate: 2/2 = 100.0% (95% interval 20.7% to 100.0%)" in said
    assert "pass^k, all of k" in said and "2/2" in said
    assert "against noop: +100.0% (95% interval " in said and "+1 −0 tasks, sign-flip p = 1" in said
    assert ", cost 0.00" in said
    kept = json.loads(Path("runs/eval/oracle/result.json").read_text())
    assert kept["pass_hat_k"]["2"]["value"] == 1.0


def test_the_result_of_an_older_version_can_be_compared_with(measure: Any) -> None:
    result = measure("noop", "--out", "runs/noop", "--json")
    old = ("task", "seed", "episode", "resolved", "reward", "milestones_closed", "milestones", "stop", "steps",
           "tokens", "seconds")  # fmt: skip
    rows = [{name: row[name] for name in old} for row in result["results"]]
    Path("old.json").write_text(json.dumps({"policy": "old", "facts": {"backend": "docker"}, "results": rows}))
    assert measure("oracle", "--against", "old.json", "--json")["paired"]["only_second"] == 1


def test_the_same_evaluation_is_on_the_leaderboard_once(measure: Any, call: Call, task_folder: Path) -> None:
    board = ("--leaderboard", "board.jsonl")
    assert "leaderboard: added to board.jsonl" in measure("noop", *board)
    assert "leaderboard: board.jsonl has this evaluation already" in measure("noop", *board)
    assert measure("noop", *board, "--out", "runs/elsewhere", "--json")["leaderboard"]["added"] is False
    assert measure("oracle", *board, "--json")["leaderboard"]["added"] is True
    assert len(Path("board.jsonl").read_text().splitlines()) == 2
    shown = call("leaderboard", "board.jsonl").stdout
    assert shown.index("oracle") < shown.index("noop") and "1 task, content " in shown
    (rows,) = json.loads(call("leaderboard", "board.jsonl", "--json").stdout).values()
    assert [row["policy"] for row in rows] == ["oracle", "noop"]


def test_other_tasks_are_another_table_and_a_hostile_name_does_nothing(measure: Any, call: Call) -> None:
    measure("noop", "--leaderboard", "board.jsonl")
    (row,) = map(json.loads, Path("board.jsonl").read_text().splitlines())
    other = {**row, "id": "x", "suite": "ff" * 16, "policy": "a|b\x1b[2J\n[/red]c"}
    Path("board.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps(other)}\n")
    shown = call("leaderboard", "board.jsonl").stdout
    assert "ranked among their own only" in shown and "\x1b" not in shown
    assert "[/red]c" in "".join(shown.split()), "it is no markup"
    table = call("leaderboard", "board.jsonl", "--markdown").stdout
    assert table.count("### ") == 2 and "\x1b" not in table
    assert "| 1 | a\\|b\\x1b[2J⏎ [/red]c | 0.0% | 0.0% to 79.3% |" in table


def test_names_with_brackets_are_no_markup(measure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    said = measure("noop", "--out", "runs/[/b]", "--leaderboard", "runs/[/i].jsonl")
    assert "episodes: runs/[/b] (journeyman replay best --run 'runs/[/b]')" in said
    assert "leaderboard: added to runs/[/i].jsonl" in said
    result = Evaluation.load(Path("runs/[/b]/result.json"))
    rows = [replace(each, task="a[/x]b", seed=seed) for each in result.results for seed in range(2)]
    for results in (rows[:1], rows):
        say_evaluation(replace(result, results=tuple(results)), Prices())
        assert "a[/x]b" in capsys.readouterr().out


def test_a_broken_leaderboard_is_said_before_the_work(call: Call, task_folder: Path, backend: str) -> None:
    Path("board.jsonl").write_text('{"id": "x"}\n')
    done = call(
        "eval", "--policy", "noop", "--tasks", task_folder, "--backend", backend, "--leaderboard", "board.jsonl"
    )
    shown = call("leaderboard", "board.jsonl")
    for told in (done, shown):
        assert told.exit_code == 2 and "board.jsonl, row 1: at: Field required" in told.stderr.replace("\n", " ")
        assert "Traceback" not in told.stderr
    assert not Path("runs").exists()
    assert "cannot be read" in call("leaderboard", "none.jsonl").stderr


def test_other_weights_of_that_name_are_not_taken_for_these(call: Call, task_folder: Path, backend: str) -> None:
    for folder in ("model", "runs/mine"):
        Path(folder).mkdir(parents=True)
    Path("model/config.json").write_text("{}")
    known = {"policy": "local:model", "facts": {"weights": "sha256:other"}}
    Path("runs/mine/result.json").write_text(json.dumps(known))
    words = ("--policy", "local:model", "--tasks", task_folder, "--backend", backend, "--out", "runs/mine")
    done = call("eval", *words)
    assert done.exit_code == 2
    assert "runs/mine holds an evaluation of other weights of that name" in done.stderr.replace("\n", " ")


def test_an_interrupted_evaluation_does_not_go_on_with_other_weights(
    call: Call, task_folder: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    Path("model").mkdir()
    monkeypatch.setattr(cli_eval, "policy_of", lambda *_, **__: NoOpPolicy())
    words = ("eval", "--policy", "local:model", "--tasks", task_folder, "--backend", backend, "--out", "runs/mine")
    Path("model/config.json").write_text("{}")
    with monkeypatch.context() as full:
        full.setattr(cli_eval, "evaluate", interrupted)
        assert call(*words).exit_code != 0
    Path("model/config.json").write_text('{"trained": "again"}')
    for others in (words, (*words[:2], "local:model@json", *words[3:])):  # the same model's episodes
        done = call(*others)
        assert done.exit_code == 2
        assert "runs/mine holds an evaluation of other weights of that name" in done.stderr.replace("\n", " ")
    Path("model/config.json").write_text("{}")
    assert call(*words).exit_code == 0, "the same weights go on"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--policy", "oracle", "--preset", "huge", "--tasks", "till-line-rounding"), "no preset 'huge'"),
        (("--policy", "orakle", "--tasks", "till-line-rounding"), "no policy 'orakle'"),
        (("--policy", "local:./nowhere", "--tasks", "till-line-rounding"), "no such model"),
        (("--policy", "noop", "--tasks", "till-line-rounding", "--against", "nothing.json"), "--against nothing.json"),
        (("--policy", "noop", "--tasks", "till-line-rounding", "--price-in", "inf"), "a price is a finite number"),
    ],
)
def test_bad_input_is_one_clear_line(call: Call, backend: str, words: tuple[str, ...], said: str) -> None:
    done = call("eval", *words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
