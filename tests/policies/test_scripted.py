"""The policies without a mind do what they say."""

from __future__ import annotations

from collections import Counter

from journeyman.envs.actions import MALFORMED, TOOLS, Action
from journeyman.envs.observation import Observation
from journeyman.policies.scripted import RandomPolicy, ScriptedPolicy

_SEEN = Observation("Fix it.")


def test_a_script_is_played_in_order_and_then_reported() -> None:
    policy = ScriptedPolicy([Action("test"), Action("view", {"path": "a.py"})], name="by hand")
    for _ in range(2):
        policy.start(seed=0)
        assert [policy.act(_SEEN).tool for _ in range(4)] == ["test", "view", "report", "report"]
    assert policy.name == "by hand"


def test_random_calls_are_of_every_tool_and_all_valid() -> None:
    policy = RandomPolicy()
    policy.start(seed=1)
    actions = [policy.act(_SEEN) for _ in range(600)]
    seen = Counter(action.tool for action in actions)
    assert set(seen) == {*TOOLS, MALFORMED}
    assert 40 < seen[MALFORMED] < 150
    for action in actions:
        assert action.tool == MALFORMED or Action.checked(action.tool, action.arguments).tool == action.tool


def test_a_random_policy_of_garbage_says_nothing_else() -> None:
    policy = RandomPolicy(garbage_share=1)
    assert {policy.act(_SEEN).tool for _ in range(50)} == {MALFORMED}
