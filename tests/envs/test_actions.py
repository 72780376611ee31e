"""An action is read or it is malformed; nothing that a policy writes raises."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.actions import MALFORMED, TOOLS, Action

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[]), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
argument_names = st.sampled_from(
    ["path", "symbol", "line", "end", "old", "new", "content", "subtasks", "claims", "target"]
)


@given(st.sampled_from([*TOOLS, "fly"]), st.dictionaries(argument_names, json_values, max_size=4))
def test_any_call_is_sound_or_malformed(tool: str, arguments: dict[str, object]) -> None:
    action = Action.from_json(json.dumps({"tool": tool, **arguments}))
    assert action.tool in {MALFORMED, tool}
    action.to_json().encode()  # the record can keep it
    if action.tool != MALFORMED:
        again = Action.from_json(action.to_json())
        assert (again.tool, again.parsed()) == (action.tool, action.parsed())


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_is_read_without_raising(text: str) -> None:
    Action.from_json(text).to_json().encode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"tool": "view", "line": ' + "9" * 5000 + "}", "not JSON"),
        ('["view"]', '{"tool": NAME'),
        ('{"tool": "fly"}', "no tool 'fly'; there are: plan, view"),
        ('{"tool": "edit", "path": "a.py", "new": "x"}', "give `old` (the exact text to replace) or"),
        (
            '{"tool": "edit", "path": "a.py", "old": "x", "line": 1, "end": 2, "new": "y"}',
            "`end` goes with `line`, without",
        ),
        ('{"tool": "edit", "path": "a.py", "new": "x", "line": 4, "end": 3}', "`end` goes with `line`"),
        ('{"tool": "view", "colour": "red"}', "colour: Extra inputs are not permitted"),
        ('{"tool": "write", "path": "a", "content": "\\ud800"}', "lone surrogate"),
    ],
)
def test_what_is_wrong_is_told(text: str, why: str) -> None:
    action = Action.from_json(text)
    assert action.tool == MALFORMED
    assert why in action.arguments["why"]


def test_titles_alone_make_a_plan() -> None:
    (subtask,) = Action.from_json('{"tool": "plan", "subtasks": ["look"]}').parsed().subtasks
    assert (subtask.title, subtask.status) == ("look", "open")
