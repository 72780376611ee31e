"""Rows of `export --format chat` as `datasets` reads them: what was exported, and no null in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from datasets import disable_progress_bars, load_dataset

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.formats.chat import to_chat
from journeyman.envs.observation import Observation

CALLS = (
    Action("view", {"path": "a.py", "line": 3}),
    Action("edit", {"path": "a.py", "line": 3, "new": "x"}),
    Action("plan", {"subtasks": [{"title": "one"}]}),
    Action.malformed("er…", "not JSON"),
    Action("report", {"summary": "done", "claims": [{"kind": "tests_pass"}]}),
)


def nulls(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(nulls, value.values()))
    return sum(map(nulls, value)) if isinstance(value, list) else value is None


def episode(*calls: Action) -> Episode:
    steps = tuple(Step(call, Observation("answer", call.tool)) for call in calls)
    return Episode("e", "t", "p", 0, Observation("Mend it."), steps, StopReason.REPORTED, 1.0, (), None)


def test_no_argument_and_no_message_is_filled_with_nulls(tmp_path: Path) -> None:
    disable_progress_bars()
    exported = [to_chat(episode(*CALLS)), to_chat(episode(CALLS[0])), to_chat(episode(CALLS[1], CALLS[3]))]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in exported))
    data = load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    rows = [dict(row) for row in data]
    assert [row["messages"] for row in rows] == [row["messages"] for row in exported]
    assert nulls(rows) == 0
    calls = [call for row in rows for message in row["messages"] for call in message.get("tool_calls", [])]
    assert all(isinstance(call["function"]["arguments"], str) for call in calls)
    assert [json.loads(call["function"]["arguments"]) for call in calls[:2]] == [
        {"path": "a.py", "line": 3}, {"path": "a.py", "line": 3, "new": "x"},
    ]  # fmt: skip
