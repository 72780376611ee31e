"""What an episode took, whether it mended its own mistake, and whether it saw what is hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.episode import Episode, Step, StopReason, TestRun
from journeyman.envs.observation import Observation
from journeyman.training.measures import Correction, Prices, Spent, busy_seconds, correction_of, saw, tokens_of


def did(tool: str, *, diff: str = "", tests: TestRun | None = None, ok: bool = True, **arguments: Any) -> Step:
    return Step(Action(tool, arguments), Observation("seen", tool, ok), diff=diff, tests=tests)


def episode(*steps: Step, **versions: str) -> Episode:
    return Episode("e", "t", "p", 0, Observation("asked"), steps, StopReason.REPORTED, 0.0, (), None, versions=versions)


EDIT = did("edit", diff="-a\n+b\n")
FAILS = did("test", tests=TestRun(passed=("t.py::b",), failed=("t.py::a",)))
PASSES = did("test", tests=TestRun(passed=("t.py::a", "t.py::b")))
NARROW = did("test", tests=TestRun(passed=("t.py::b",)))
CUT_SHORT = did("test", tests=TestRun(passed=("t.py::a",)), ok=False)
BROKEN = did("test", tests=TestRun(errors=("t.py",)))
LEAVES_FILES = did("test", tests=TestRun(passed=("t.py::a",)), diff="+cache\n")


@pytest.mark.parametrize(
    ("steps", "erred", "corrected"),
    [
        ((), False, False),
        ((EDIT, PASSES), False, False),
        ((FAILS, EDIT, PASSES), False, False),  # it failed before anything was done: that is the task
        ((FAILS, EDIT, FAILS, EDIT, PASSES), True, True),
        ((EDIT, FAILS), True, False),
        ((EDIT, FAILS, EDIT), True, False),  # nobody looked whether it was mended
        ((EDIT, FAILS, PASSES), True, False),  # the same files: a flaky test mends nothing
        ((EDIT, FAILS, EDIT, NARROW), True, False),  # what had failed was left out
        ((EDIT, FAILS, EDIT, CUT_SHORT), True, False),
        ((EDIT, FAILS, EDIT, FAILS, EDIT, PASSES), True, True),
        ((EDIT, BROKEN, EDIT, PASSES), True, True),  # a file that could not be collected has tests again
        ((EDIT, BROKEN, EDIT, did("test", tests=TestRun(passed=("u.py::a",)))), True, False),
        ((EDIT, FAILS, EDIT, PASSES, EDIT, FAILS), True, True),  # mended once, broken again: `resolved` tells
        ((LEAVES_FILES, FAILS), False, False),  # what tests leave is no change of the policy's
        ((did("run", diff="+x\n"), FAILS, did("write", diff="+y\n"), PASSES), True, True),
        ((did("edit", ok=False), FAILS, EDIT, PASSES), False, False),  # a refused edit changed nothing
    ],
)
def test_self_correction(steps: tuple[Step, ...], erred: bool, corrected: bool) -> None:
    assert correction_of(steps) == Correction(erred, corrected)


@given(st.lists(st.sampled_from([EDIT, FAILS, PASSES, NARROW, BROKEN, CUT_SHORT]), max_size=12))
def test_only_a_mistake_can_be_mended_and_looking_on_never_unmends_it(steps: list[Step]) -> None:
    found = correction_of(steps)
    assert found.erred or not found.corrected
    longer = correction_of([*steps, EDIT, FAILS])
    assert longer.erred and longer.corrected >= found.corrected


def turn(read: int, sampled: int) -> Step:
    tokens = TokenTurn(tuple(range(read)), tuple(range(sampled)), (0.0,) * sampled)
    return replace(EDIT, action=replace(EDIT.action, tokens=tokens))


def test_tokens_are_counted_from_the_ledger_and_unknown_without_one() -> None:
    assert tokens_of(episode(turn(30, 5), turn(4, 6), model="tiny")) == (11, 34)
    assert tokens_of(episode(EDIT)) == (0, 0)  # no model acted
    assert tokens_of(episode(turn(30, 5), EDIT, model="m")) == (None, None)  # an endpoint keeps no ledger
    assert tokens_of(episode(model="m")) == (0, 0)  # it ended before the first turn


def test_the_canary_is_found_wherever_it_stands() -> None:
    secret = "journeyman-canary-1234"
    assert not saw(episode(EDIT, FAILS), secret)
    for step in (
        replace(EDIT, observation=Observation(f"# {secret}")),
        replace(EDIT, output=f"cut: {secret}"),
        replace(EDIT, diff=f"+# {secret}"),
        replace(EDIT, action=Action("report", {"summary": secret})),
        replace(EDIT, action=Action.malformed(f"I recall {secret}", "no call")),
        replace(EDIT, action=Action("plan", {"subtasks": [{"title": secret}]})),
    ):
        assert saw(episode(EDIT, step), secret)
    assert saw(replace(episode(), first=Observation(secret)), secret)


def test_a_machine_is_busy_once_however_many_episodes_run() -> None:
    at = "2026-01-02T03:04:{:02d}.000+00:00"
    assert busy_seconds([]) == 0
    assert busy_seconds([(at.format(10), 5.0), (at.format(12), 1.0), (at.format(14), 4.0)]) == pytest.approx(8.0)
    assert busy_seconds([(at.format(40), 5.0), (at.format(0), 5.0)]) == pytest.approx(10.0)  # two sittings
    assert busy_seconds([(at.format(0), 5.0), ("", 5.0)]) is None


def test_cost_is_what_is_priced_and_never_divided_by_nothing() -> None:
    spent = Spent(solved=4, sampled=1_000_000, read=10_000_000, seconds=900.0, wall=1800.0)
    assert spent.cost(Prices()) is None
    assert spent.cost(Prices(read=0.5, sampled=2.0)) == pytest.approx(7.0)
    assert spent.cost(Prices(hour=3.0)) == pytest.approx(1.5)
    assert spent.per_solved(spent.cost(Prices(0.5, 2.0, 3.0))) == pytest.approx(8.5 / 4)
    endpoint = replace(spent, sampled=None, read=None)
    assert endpoint.cost(Prices(read=0.5)) is None
    assert endpoint.cost(Prices(hour=3.0)) == pytest.approx(1.5)
    nothing = replace(spent, solved=0).to_dict(Prices(hour=3.0))
    assert nothing["cost"] == pytest.approx(1.5)
    assert set(nothing["per_solved"].values()) == {None}
