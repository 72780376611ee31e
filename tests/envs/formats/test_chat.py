"""A conversation that TRL trains on, with the calls as a chat template takes them."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, settings

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.formats.calls import thought, tool_definitions
from journeyman.envs.formats.chat import to_chat
from journeyman.envs.observation import Observation
from tests.envs.test_codec import episodes


def told(*steps: Step) -> Episode:
    return Episode("0-a", "parcel", "p", 0, Observation("Mend it."), steps, StopReason.REPORTED, 1.0, (), None)


def test_calls_and_answers_are_paired_and_what_could_not_be_read_is_text() -> None:
    view = Step(Action("view", {"path": "a.py"}, 'Let me look.\n{"tool": "view"}'), Observation("1: x", "view"))
    bad = Step(Action.malformed("er…", "not JSON"), Observation("malformed action: not JSON", "malformed", False))
    row = to_chat(told(view, bad))
    user, asks, answer, text, refusal = row["messages"]
    assert user == {"role": "user", "content": "Mend it."}
    assert asks["content"] == "Let me look."
    (call,) = asks["tool_calls"]
    assert call == {"id": "call_1", "type": "function", "function": {"name": "view", "arguments": '{"path": "a.py"}'}}
    assert answer == {"role": "tool", "tool_call_id": "call_1", "name": "view", "content": "1: x"}
    assert text == {"role": "assistant", "content": "er…"} and refusal["role"] == "user"
    assert (row["reward"], row["task"], row["stop"]) == (1.0, "parcel", "reported")


def test_tools_and_arguments_are_strings_so_that_no_column_is_filled_with_nulls() -> None:
    row = to_chat(told(Step(Action("run", {"command": "ls"}), Observation("a"))))
    assert {tool["function"]["name"] for tool in json.loads(row["tools"])} == {
        tool["function"]["name"] for tool in tool_definitions()
    }
    assert json.loads(row["messages"][1]["tool_calls"][0]["function"]["arguments"]) == {"command": "ls"}


def test_what_was_written_before_the_call_is_the_thought() -> None:
    for text, expected in (
        ('{"tool": "view"}', ""),
        ("view a.py", ""),
        ('<think>hm</think>\n```json\n{"tool": "view"}\n```', "<think>hm</think>"),
        ('I call\n<tool_call>\n{"name": "view"}', "I call"),
        ("Just words.", "Just words."),
        ("", ""),
    ):
        assert thought(Action("view", {}, text)) == expected


def test_rows_say_what_went_wrong_that_was_not_the_policys_doing() -> None:
    struck = Step(Action("view", {"path": "a.py"}), Observation("1: y"), fault="stale-view")
    assert to_chat(told(struck, struck))["faults"] == ["stale-view"]
    assert to_chat(replace(told(struck), fault="wrong-name"))["faults"] == ["stale-view", "wrong-name"]
    assert to_chat(told())["faults"] == []


@given(episodes)
@settings(max_examples=15)
def test_any_episode_is_strict_json(episode: Episode) -> None:
    json.dumps(to_chat(episode), ensure_ascii=False, allow_nan=False).encode()
