"""A person types calls at a terminal; slips are asked again, and Ctrl-D leaves."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from journeyman.envs.observation import Observation
from journeyman.policies.human import HumanPolicy
from journeyman.policies.policy import PolicyError

_SEEN = Observation("Fix [bold]it[/bold].", steps_left=7)


def _person(typed: str) -> tuple[HumanPolicy, io.StringIO]:
    screen = io.StringIO()
    policy = HumanPolicy(console=Console(file=screen, width=100), stream=io.StringIO(typed))
    policy.start(seed=0)
    return policy, screen


def test_a_person_works_through_an_episode() -> None:
    policy, screen = _person("view parcel.py is_free\nedit parcel.py:23\n    return 1\n..\n.\ntest\nreport Done.\n.\n")
    actions = [policy.act(_SEEN) for _ in range(4)]
    assert [action.tool for action in actions] == ["view", "edit", "test", "report"]
    assert actions[1].arguments["new"] == "    return 1\n."
    shown = screen.getvalue()
    assert "Fix [bold]it[/bold]." in shown, "an observation is shown as it is, not read as markup"
    assert "7 steps left" in shown
    assert shown.count("One call per turn") == 1


def test_a_slip_is_asked_again_with_the_reason() -> None:
    policy, screen = _person("hello\nedit parcel.py\nx\n.\nhelp\ntest\n")
    assert policy.act(_SEEN).tool == "test"
    assert "must begin with one of" in screen.getvalue()
    assert "a line number must follow" in screen.getvalue()
    assert screen.getvalue().count("One call per turn") == 2


@pytest.mark.parametrize("typed", ["", "edit parcel.py:1\nhalf"])
def test_the_end_of_input_ends_the_policy(typed: str) -> None:
    policy, _ = _person(typed)
    with pytest.raises(PolicyError, match="the input ended"):
        policy.act(_SEEN)
