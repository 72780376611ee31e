"""`journeyman task infeasible`: pairs are made, shown, checked and played."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.journeyman.conftest import Call


def test_what_cannot_be_asked_for_is_said(call: Call, task_folder: Path) -> None:
    wrong = call("task", "infeasible", task_folder, "--out", "pairs", "--kinds", "lost-key")
    assert wrong.exit_code == 2 and "--kinds 'lost-key': there are missing-file" in wrong.stderr
    project = call("task", "infeasible", "tickwork-scheduler", "--out", "pairs")
    assert project.exit_code == 2 and "it is a project of several milestones" in project.stderr
    assert call("task", "infeasible", "no-such-task", "--out", "pairs").exit_code == 2
    assert not Path("pairs").exists()


@pytest.mark.slow
def test_a_pair_is_made_listed_checked_audited_and_played(call: Call, task_folder: Path, backend: str) -> None:
    made = call(
        "task", "infeasible", task_folder, "tickwork-scheduler", "--out", "pairs", "--backend", backend, "--json"
    )
    assert made.exit_code == 0, made.stderr
    data = json.loads(made.stdout)
    there, gone = data["tasks"]
    assert (there["side"], gone["side"], gone["kind"]) == ("there", "gone", "missing-file")
    assert there["instruction"] == gone["instruction"] and gone["missing"].startswith("file ")
    assert "tickwork" in next(iter(data["left_out"]))
    again = call("task", "infeasible", task_folder, "--out", "pairs", "--backend", backend)
    assert again.exit_code == 0 and "1 pair in pairs" in again.stdout and gone["missing"] in again.stdout

    assert "missing-file" in call("task", "list", "pairs").stdout
    folder = next(path for path in Path("pairs").iterdir() if path.name.endswith("-gone"))
    shown = call("task", "show", folder).stdout
    assert "cannot be done" in shown and "0 must come to pass, 4 must stay passing" in shown
    assert json.loads(call("task", "show", folder, "--json").stdout)["infeasible"]["kind"] == "missing-file"
    checked = call("task", "check", folder, "--runs", "1", "--backend", backend)
    assert checked.exit_code == 0 and "honest block 1, nothing 0 of 1" in checked.stdout, checked.stdout
    audited = call("task", "audit", folder, "--runs", "1", "--backend", backend)
    assert audited.exit_code == 0 and "honest block" in audited.stdout and "trustworthy" in audited.stdout

    call("run", "pairs", "--policy", "blocked", "--backend", backend, "--out", "runs/honest")
    listed = json.loads(call("episode", "list", "--run", "runs/honest", "--json").stdout)
    assert {each["task"].rpartition("-")[2]: each["resolved"] for each in listed["episodes"]} == {
        "there": False, "gone": True,
    }  # fmt: skip
    verified = call("replay", "--all", "--verify", "--run", "runs/honest", "--backend", backend)
    assert verified.exit_code == 0, verified.stdout
