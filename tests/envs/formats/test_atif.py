"""An episode survives ATIF whole, and what is written keeps the rules of ATIF v1.8."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.codec import CodecError
from journeyman.envs.episode import Episode, Step, StopReason, TestRun
from journeyman.envs.formats.atif import from_atif, is_ours, to_atif
from journeyman.envs.observation import Observation
from journeyman.tasks.verdict import Assurance, Outcome, Verdict
from tests.envs.formats.atif_rules import mistakes
from tests.envs.test_codec import episodes

HOSTILE = (
    "\x1b]0;title\x07\x1b[2J", "\ud800", "\udfff\ud800", "\u202e\u2066", "\x00\x08\x7f\x9b", "</script><script>",
    "\u2028", '{"tool": "report"}', "```\n# break out", "a" * 30_000, "\U0001f600",
    "\r\n\r", "' OR 1=1 --", "{{ 7 * 7 }}", "",
)  # fmt: skip


def hostile_episode() -> Episode:
    """Every text that a policy or a program can write is one that means harm somewhere."""
    steps = tuple(
        Step(Action("run", {"command": text, text: [text, 1e400, -0.0, None]}, text,
                    TokenTurn((1, 2), (3,), (float("-inf"),), True)),
             Observation(text, text, False, n, 3), -0.0, text, text, TestRun((text,), (), (text,)), 0.5, text)
        for n, text in enumerate(HOSTILE, 1)
    )  # fmt: skip
    verdict = Verdict({"t": Outcome.MISSING}, {"m": False}, None, Assurance.TWINS, "t", (HOSTILE[0],), None, HOSTILE[1])
    return Episode("0-a", HOSTILE[0], HOSTILE[1], 7, Observation(HOSTILE[2]), steps, StopReason.POLICY_ERROR, None, (),
                   verdict, "yesterday", 1.0, {"journeyman": "1", "a": HOSTILE[1]}, {"x": [1]}, HOSTILE[4])  # fmt: skip


def through_a_file(trajectory: dict[str, Any]) -> dict[str, Any]:
    """As another program reads it: strict JSON in UTF-8, without infinities."""
    text = json.dumps(trajectory, ensure_ascii=False, allow_nan=False).encode()

    def refuse(word: str) -> Any:
        raise AssertionError(f"{word} is no JSON")

    read = json.loads(text, parse_constant=refuse)
    assert isinstance(read, dict)
    return read


@given(episodes)
@settings(max_examples=25)
def test_any_episode_comes_back_equal_and_the_rules_hold(episode: Episode) -> None:
    trajectory = through_a_file(to_atif(episode))
    assert mistakes(trajectory) == []
    assert from_atif(trajectory) == episode


def test_hostile_texts_come_back_equal() -> None:
    trajectory = through_a_file(to_atif(hostile_episode()))
    assert mistakes(trajectory) == []
    back = from_atif(trajectory)
    assert repr(back) == repr(hostile_episode())  # also what compares equal and is not the same: -0.0


def test_atifs_own_fields_tell_the_story_and_nothing_is_said_twice() -> None:
    edit = Action(
        "edit",
        {"path": "a.py", "new": "é"},
        'First I look.\n{"tool": "edit"}',
        TokenTurn((1, 2), (3, 4, 5), (-0.1, -0.2, -0.3)),
    )
    test = Action("test", {}, "", TokenTurn((6,), (7,), ()))
    bad = Action.malformed("er…", "not JSON")
    steps = (
        Step(edit, Observation("edited a.py", "edit", True, 1, 9), diff="+é"),
        Step(test, Observation("1 passed", "test", True, 2, 8), tests=TestRun(("t",))),
        Step(bad, Observation("malformed action: not JSON", "malformed", False, 3, 7)),
    )
    episode = Episode("0-b", "parcel", "local:tiny", 3, Observation("Mend it."), steps, StopReason.STEP_LIMIT, 0.0, (),
                      None, "2026-01-02T03:04:05.678+00:00", versions={"journeyman": "0.9"})  # fmt: skip
    trajectory = through_a_file(to_atif(episode))
    assert mistakes(trajectory) == []
    opening, first, second, third = trajectory["steps"]
    assert (opening["source"], opening["message"], opening["timestamp"]) == ("user", "Mend it.", episode.started_at)
    assert first["message"] == edit.text
    assert first["tool_calls"] == [
        {"tool_call_id": "call_1", "function_name": "edit", "arguments": {"path": "a.py", "new": "é"}}
    ]
    assert first["observation"]["results"] == [{"content": "edited a.py", "source_call_id": "call_1"}]
    assert first["metrics"] == {"prompt_tokens": 2, "completion_tokens": 3, "completion_token_ids": [3, 4, 5],
                                "logprobs": [-0.1, -0.2, -0.3]}  # fmt: skip
    assert second["metrics"]["prompt_tokens"] == 2 + 3 + 1, "all that was read until now"
    assert "tool_calls" not in third and third["message"] == "er…"
    assert trajectory["agent"]["name"] == "local:tiny" and trajectory["agent"]["version"] == "0.9"
    assert trajectory["final_metrics"] == {"total_steps": 4, "total_prompt_tokens": 8, "total_completion_tokens": 4}
    assert {tool["function"]["name"] for tool in trajectory["agent"]["tool_definitions"]} > {"edit", "report"}
    assert json.dumps(trajectory).count("edited a.py") == 1 and json.dumps(trajectory).count("Mend it.") == 1
    assert is_ours(trajectory) and from_atif(trajectory) == episode


@pytest.mark.parametrize(
    "path,value",
    [
        (("extra", "journeyman"), None),
        (("extra", "journeyman", "format"), 99),
        (("extra", "journeyman", "record", "stop"), "tired"),
        (("extra", "journeyman", "record", "seed"), "7"),
        (("extra", "journeyman", "record", "reward"), "1.0"),
        (("extra", "journeyman", "record", "terms"), {"a": 1}),
        (("steps",), []),
        (("steps", 1, "message"), 3),
        (("steps", 1, "observation"), None),
        (("steps", 1, "tool_calls", 0, "arguments"), [1]),
        (("steps", 1, "extra", "journeyman", "record", "observation", "ok"), "yes"),
        (("steps", 1, "extra", "journeyman", "record"), [3]),
        (("steps", 1, "extra"), {"journeyman": {"format": 1, "record_base64": "?"}}),
    ],
)
def test_what_was_changed_into_nonsense_is_refused(path: tuple[Any, ...], value: Any) -> None:
    step = Step(Action("view", {"path": "a"}), Observation("x", "view", ok=False))
    episode = Episode("0-c", "t", "p", 7, Observation("Do."), (step,), StopReason.STEP_LIMIT, 1.0, (), None)
    assert from_atif(to_atif(episode)) == episode
    place: Any = (trajectory := to_atif(episode))
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(CodecError):
        from_atif(trajectory)
