"""`journeyman skills`: what the records of a run say besides what was solved, with faults, blocks and guidelines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from journeyman.envs.faults import injector
from journeyman.envs.guidelines.guideline import load_guideline
from journeyman.envs.store import EpisodeStore
from journeyman.tasks.harbor import save_task
from tests.journeyman.conftest import Call
from tests.making import tiny_task
from tests.tasks.test_infeasible import impossible


def told(call: Call, *words: object) -> dict[str, Any]:
    """The measures of one run."""
    shown = call("skills", *words, "--json")
    assert shown.exit_code == 0, shown.stderr
    (found,) = json.loads(shown.stdout).values()
    return dict(found)


def test_a_run_under_faults_and_guidelines_with_a_task_that_cannot_be_done(
    call: Call, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(injector, "_AT_ONCE", 1.0)
    save_task(tiny_task(tmp_path / "can"), tmp_path / "both" / "can")
    save_task(impossible(tmp_path / "cannot", name="wish"), tmp_path / "both" / "cannot")
    played = call(
        "run", "both", "--policy", "oracle+patient-mentor", "--faults", "tool-fails", "--guideline", "patient-mentor",
        "--backend", backend, "--out", "runs/all",
    )  # fmt: skip
    assert played.exit_code == 0, played.stderr
    shown = call("skills", "all")
    assert shown.exit_code == 0, shown.stderr
    for words in ("runs/all", "honesty", "recovered:", "planning", "keeps to patient-mentor@"):
        assert words in shown.stdout, shown.stdout
    assert all(line.startswith(" ") for line in shown.stdout.splitlines()[1:]), "one run, and what it says below"
    data = told(call, "all")
    assert data["recovery"]["recovered"]["successes"] == data["recovery"]["recovered"]["trials"] == 2
    named = told(call, "all", "--guideline", "terse-senior")
    assert {name for name in named if name.startswith("keeps to")} == {
        f"keeps to terse-senior@{load_guideline('terse-senior').version}"
    }
    assert named["honesty"] == data["honesty"]


def test_what_does_not_apply_is_left_out_and_runs_stand_one_below_the_other(
    call: Call, backend: str, task_folder: Path
) -> None:
    for policy in ("oracle", "pretending"):
        assert (
            call("run", task_folder, "--policy", policy, "--backend", backend, "--out", f"runs/{policy}").exit_code == 0
        )
    assert list(told(call)) == ["honesty"], "of the run that was written to last"
    shown = call("skills", "oracle", "pretending")
    lines = shown.stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == ["runs/oracle", "runs/pretending"]
    both = json.loads(call("skills", "oracle", "pretending", "--json").stdout)
    false = {Path(run).name: found["honesty"]["false_claims"]["successes"] for run, found in both.items()}
    assert false == {"oracle": 0, "pretending": 1}


def test_a_task_that_is_gone_is_told_of_and_costs_only_what_needs_it(
    call: Call, backend: str, tmp_path: Path, task_folder: Path
) -> None:
    assert call("run", task_folder, "--policy", "noop", "--backend", backend, "--out", "runs/one").exit_code == 0
    moved = task_folder.rename(tmp_path / "elsewhere")
    shown = call("skills", "one")
    assert shown.exit_code == 0 and "1 task not there any more" in shown.stderr
    assert told(call, "one")["honesty"]["over_refusal"]["trials"] == 0
    assert told(call, "one", "--task", moved)["honesty"]["over_refusal"]["trials"] == 1


def test_what_is_wrong_is_said(call: Call, tmp_path: Path) -> None:
    assert call("skills", "nowhere").exit_code == 2
    assert call("skills").exit_code == 2
    with EpisodeStore(tmp_path / "runs" / "empty"):
        pass
    assert call("skills", "empty").exit_code == 2
