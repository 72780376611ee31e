"""What the plans of episodes show: closure, evidence, order, calibration; and that none of it is paid."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.episode import Episode, Step
from journeyman.envs.plans import story_of
from journeyman.tasks.task import Milestone
from journeyman.training.credit import CreditSettings, advantages, decided_before
from journeyman.training.hybrid import hybrid
from journeyman.training.repeats import mean_by_task
from journeyman.training.skills.plan_measures import expected_calibration_error, tau_b
from journeyman.training.skills.plan_milestones import milestones_of, needs
from journeyman.training.skills.planning import order_kept, planning_of
from tests.training.groups import BUG, OLD, PROJECT, SOLVED, A, B, C, did, edited, episode, ran, reported

TASKS = {PROJECT.name: PROJECT}


def planned(*parts: str | tuple[str, str] | tuple[str, str, str] | dict[str, Any]) -> Step:
    """Titles, (title, status), (title, status, evidence), or all of it."""
    names = ("title", "status", "evidence")
    told = [
        part if isinstance(part, dict) else dict(zip(names, (part,) if isinstance(part, str) else part, strict=False))
        for part in parts
    ]
    return did("plan", subtasks=told)


def project(*steps: Step, passing: tuple[str, ...] = SOLVED, name: str = "0-a") -> Episode:
    return episode(*steps, task=PROJECT, passing=passing, name=name)


CAREFUL = project(
    planned("the easy part", "middle", "hard"),
    edited(), ran(A, OLD),
    planned(("the easy part", "done", A), "middle", "hard"),
    edited(), ran(A, B, OLD),
    planned(("the easy part", "done", A), ("middle", "done", B), "hard"),
    edited(), ran(*SOLVED),
    planned(("the easy part", "done", A), ("middle", "done", B), ("hard", "done", C)),
    reported(("tests_pass", "")),
)  # fmt: skip
BOASTFUL = project(
    planned("hard", "easy"),
    edited(), ran(A, OLD, failed=[C]),
    planned({"title": "hard", "status": "done", "evidence": C, "confidence": 1.0}, "easy"),
    planned({"title": "hard", "status": "done"}, {"title": "easy", "status": "done", "confidence": 0.9}, "dance"),
    reported(), passing=(A, OLD), name="1-a",
)  # fmt: skip
SILENT = project(edited(), reported(), passing=(OLD,), name="2-a")


def test_a_careful_plan_is_told_from_a_boastful_one() -> None:
    good, poor = planning_of([CAREFUL], TASKS), planning_of([BOASTFUL], TASKS)
    assert (good.settled.share, good.supported.share, good.contradicted.share) == (
        "3/3 = 100.0%", "3/3 = 100.0%", "0/3 = 0.0%",
    )  # fmt: skip
    assert (good.order.value, good.violations.share, good.by_verdict.called.share) == (
        1.0,
        "0/1 = 0.0%",
        "3/3 = 100.0%",
    )
    assert (good.granularity, good.revisions, good.revised.successes) == (1.0, 3.0, 0)
    assert (poor.settled.share, poor.with_evidence.share, poor.contradicted.share) == (
        "2/3 = 66.7%", "1/2 = 50.0%", "1/1 = 100.0%",
    )  # fmt: skip
    assert poor.violations.share == "1/1 = 100.0%", "hard builds on easy, and was closed first"
    assert poor.by_verdict.confusion == {
        "done, so": 1, "done, not so": 1, "not done, so": 0, "not done, not so": 0,
    }  # fmt: skip
    assert poor.by_verdict.brier.value == pytest.approx((1 + 0.01) / 2)
    assert poor.by_verdict.ece == pytest.approx(abs(1.9 - 1) / 2), "both stand in the last bin"
    assert poor.revised.successes == 1, "dancing came later"


def test_who_did_not_plan_counts_in_the_share_of_plans_alone() -> None:
    found = planning_of([CAREFUL, BOASTFUL, SILENT], TASKS)
    assert (found.planned.share, found.resolved_with.share, found.resolved_without.share) == (
        "2/3 = 66.7%", "1/2 = 50.0%", "0/1 = 0.0%",
    )  # fmt: skip
    assert json.loads(json.dumps(found.to_dict()))["order"]["tasks"] == 1
    assert any("contradicts" in line for line in found.lines())


def test_of_nothing_nothing_is_told() -> None:
    for episodes in ([], [SILENT]):
        found = planning_of(episodes, {})
        assert found.settled.trials == 0
        assert (found.granularity, found.revisions, found.order, found.by_verdict.ece) == (None,) * 4
        assert "NaN" not in json.dumps(found.to_dict())
        assert len(found.lines()) == 3


def test_without_the_task_or_a_verdict_the_record_alone_speaks() -> None:
    unknown = planning_of([BOASTFUL], {})
    assert unknown.by_verdict.called.trials == 0
    assert unknown.by_record.called.share == "0/1 = 0.0%"
    assert planning_of([replace(BOASTFUL, verdict=None, reward=None)], TASKS).by_verdict.called.trials == 0


def test_subtasks_are_matched_with_milestones_one_to_one_by_name() -> None:
    stones = [
        Milestone(name="totals", title="Totals of a cart", checks=("a",)),
        Milestone(name="tax-rates", checks=("b",), depends_on=("totals",)),
        Milestone(name="print", checks=("c",), depends_on=("tax-rates",)),
    ]
    named = [["read"], ["apply the tax rates"], ["total of the cart"], ["Totals of a cart"], ["odd", "print"]]
    assert milestones_of(named, stones) == {1: "tax-rates", 3: "totals", 4: "print"}
    assert milestones_of([["print"], ["print"]], stones) == {0: "print"}
    assert milestones_of([], stones) == milestones_of([["x"]], []) == {}
    assert needs(stones)["print"] == {"totals", "tax-rates"}


def test_orders_agree_or_not() -> None:
    assert tau_b([1, 2, 3], [4, 5, 6]) == 1
    assert tau_b([1, 2, 3], [6, 5, 4]) == -1
    assert tau_b([1, 2, 3, 4], [1, 1, 2, 2]) == pytest.approx(4 / math.sqrt(6 * 4))
    assert tau_b([1, 2], [1, 1]) is tau_b([1], [1]) is tau_b([], []) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_tau_is_a_share_that_turns_with_the_order(pairs: list[tuple[int, int]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    tau = tau_b(first, second)
    if tau is not None:
        assert -1 - 1e-9 <= tau <= 1 + 1e-9
        assert tau_b(second, first) == pytest.approx(tau)
        assert tau_b(first, [-b for b in second]) == pytest.approx(-tau)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(-1, 1)), max_size=12))
def test_a_mean_lies_in_its_interval_and_its_range(values: list[tuple[str, float]]) -> None:
    mean = mean_by_task(values, low=-1.0)
    assert (mean is None) == (not values)
    if mean is not None:
        assert -1 <= mean.interval[0] <= mean.value + 1e-9
        assert mean.value - 1e-9 <= mean.interval[1] <= 1


def test_who_is_as_sure_as_often_right_is_calibrated() -> None:
    assert expected_calibration_error([(0.75, True)] * 3 + [(0.75, False)]) == 0
    assert expected_calibration_error([(1.0, False)]) == 1
    assert expected_calibration_error([]) is None


_TITLES = st.sampled_from(["easy", "middle", "hard", "dance"]) | st.text(min_size=1, max_size=8)
_PLANS = st.lists(
    st.fixed_dictionaries(
        {"title": _TITLES},
        optional={
            "status": st.sampled_from(["open", "done", "dropped"]),
            "evidence": st.sampled_from([A, B, C, "shop.py", "step 2", "step 99"]) | st.text(max_size=8),
            "confidence": st.floats(0, 1),
        },
    ),
    min_size=1,
    max_size=40,
).map(lambda parts: planned(*parts))


@given(_PLANS, _PLANS)
def test_no_word_of_a_plan_and_no_evidence_earns_anything(first: Step, second: Step) -> None:
    """The reward, every hybrid term, and each action's credit are those of the same episode with another plan."""
    for task in (BUG, PROJECT):
        for passing in ((OLD,), (A, OLD), SOLVED):
            work = (edited("b"), ran(A, OLD, failed=[B, C], tree="b"), edited("c"))
            plain = episode(planned("x"), *work, planned("x"), reported(("tests_pass", "")), task=task, passing=passing)
            told = replace(plain, id="0-b", steps=(first, *work, second, plain.steps[-1]))
            assert (told.reward, told.terms) == (plain.reward, plain.terms)
            one, other = hybrid([plain, told], task)
            assert [(term.name, term.amount) for term in one.terms] == [(t.name, t.amount) for t in other.terms]
            weights = {milestone.name: 0.1 for milestone in task.milestones}
            closed = [{m.name: 4 for m in task.milestones if plain.verdict and plain.verdict.milestones[m.name]}] * 2
            spent = decided_before([plain, told], weights, closed)
            assert spent[0] == spent[1]
            rest = episode(edited("d"), reported(), task=task, name="9-a")
            credited = [
                advantages([each, rest], CreditSettings(), spent=[spent[0], [0.0, 0.0]]) for each in (plain, told)
            ]
            assert credited[0] == credited[1]
    planning_of([told, plain], TASKS)


def test_a_flood_of_subtasks_and_evidence_changes_no_reward() -> None:
    flood = planned(*({"title": f"part {n}", "status": "done", "evidence": "step 1"} for n in range(40)))
    calm = project(*[planned("x")] * 30, reported(), passing=(A, OLD))
    loud = project(*[flood] * 30, reported(), passing=(A, OLD), name="1-a")
    one, other = hybrid([calm, loud], PROJECT)
    assert (one.total, calm.reward) == (other.total, loud.reward)
    assert planning_of([loud], TASKS).done.share == "40/40 = 100.0%"
    assert order_kept(story_of(loud.steps)) is None, "all were closed at once"
