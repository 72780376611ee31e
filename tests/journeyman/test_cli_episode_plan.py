"""`journeyman episode plan`: a plan's story as a table and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from journeyman.cli import app
from journeyman.envs.actions import Action
from journeyman.envs.episode import Step
from journeyman.envs.observation import Observation
from journeyman.envs.store import EpisodeStore

from .hostile_texts import HOSTILE
from .test_view import DIFF, ONE, TWO, episode, step
from .test_view import TestRun as Ran


def planned(*parts: str | dict[str, Any]) -> Step:
    return Step(Action("plan", {"subtasks": list(parts)}), Observation("", "plan"))


TOLD = (
    planned("find it", "mend it"),
    step("test", "1 failed", tests=Ran((TWO,), (ONE,))),
    planned({"title": "find it", "status": "done", "evidence": ONE}, "mend the rounding of it"),
    step("edit", "edited", diff=DIFF, path="text.py", old="1", new="2"),
    step("test", "2 passed", tests=Ran((TWO, ONE))),
    planned(
        {"title": "mend the rounding of it", "status": "done", "evidence": ONE, "confidence": 0.9},
        {"title": "say so", "status": "dropped"},
    ),
    step("report"),
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EpisodeStore:
    monkeypatch.chdir(tmp_path)
    return EpisodeStore(tmp_path / "runs" / "first")


def call(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "140", "NO_COLOR": "1", "TERM": "dumb"}).invoke(app, ["episode", "plan", *words])


def test_each_subtask_has_a_row_and_each_plan_a_column(store: EpisodeStore) -> None:
    store.add(episode(steps=TOLD))
    done = call("last")
    assert done.exit_code == 0, done.output
    rows = [" ".join(row.split()) for row in done.output.splitlines()]
    assert rows[1].startswith("subtask 1 3 6 work evidence")
    assert rows[2].startswith(f"find it ○ ● ● 2 {ONE} contradicted: step 2 failed")
    assert any(row.startswith("mend the rounding of it ○ ○ ● 4–5 sure to 90%") for row in rows)
    assert any(row.startswith("first: mend it") for row in rows)
    assert any(row == "say so ✕" for row in rows)
    assert "3 plans in 7 steps" in done.output
    assert "2 done, 0 open, 1 dropped" in done.output


def test_scripts_get_all_of_it(store: EpisodeStore) -> None:
    store.add(told := episode(steps=TOLD))
    found = json.loads(call("--json").output)
    assert (found["episode"], len(found["parts"]), len(found["revisions"])) == (told.id, 3, 3)
    assert found["parts"][1]["closings"][0]["standing"] == "supported"


def test_without_a_plan_it_says_so(store: EpisodeStore) -> None:
    store.add(episode(steps=TOLD[1:2]))
    assert "no plan in its 1 step" in call().output
    assert json.loads(call("--json").output)["parts"] == []
    store.add(replace(episode(), steps=()))
    assert "no plan in its 0 steps" in call().output
    assert call("nobody").exit_code == 2


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_plan_acts_on_the_terminal(store: EpisodeStore, text: str) -> None:
    part = {"title": text[:200] or "x", "evidence": text[:300], "status": "done"}
    again = {**part, "title": (text + "y")[-200:]}
    try:
        store.add(episode(steps=(planned(part), planned({**again, "status": "open"}), planned(again))))
    except UnicodeEncodeError:
        return  # no record can hold it
    done = call()
    assert done.exit_code == 0, done.output
    assert not any(ord(char) < 32 and char != "\n" for char in done.output)
    assert "‮" not in done.output
