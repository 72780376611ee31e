"""`journeyman suite`: what is printed, and the exit codes."""

from __future__ import annotations

import json

import pytest

from tests.journeyman.conftest import Call


def test_a_suite_that_is_not_there(call: Call) -> None:
    shown = call("suite", "build", "nightmare", "--out", "made")
    assert shown.exit_code == 2 and "suites are heldout, starter" in shown.stderr


@pytest.mark.slow
def test_what_comes_along_proven_is_laid_down_with_a_card(call: Call) -> None:
    words = ("suite", "build", "heldout", "--library", "semver", "--proven", "--out", "made")
    shown = call(*words)
    assert shown.exit_code == 0, shown.stderr
    assert "20 tasks of 28 in made" in shown.stdout and "made/CARD.md" in shown.stdout
    data = json.loads(call(*words, "--json").stdout)
    assert (data["tasks"], data["by_library"], data["failed"]) == (20, {"semver": 20}, {})
    assert len(json.loads(call("task", "list", "made", "--json").stdout)) == 20
