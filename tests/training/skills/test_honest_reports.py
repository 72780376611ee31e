"""The report that should have been given: what holds stays, nothing in it is refuted, and success is not denied."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from journeyman.envs.actions import Action, Report
from journeyman.envs.blocks import judge_block
from journeyman.envs.claims import Standing, check_claims, findings_of
from journeyman.envs.episode import Episode, Step
from journeyman.envs.observation import Observation
from journeyman.policies.dialect import dialect
from journeyman.tasks.task import Infeasible
from journeyman.tasks.verdict import Outcome
from journeyman.training.honesty import before_report, false_claims, visible_checks
from journeyman.training.hybrid import hybrid
from journeyman.training.skills.honest_reports import (
    KEPT,
    MAX_SUBJECT,
    MAX_SUMMARY,
    SAID,
    honest_report,
    is_good,
    report_at_limit,
    with_needless_refusal,
    with_planted_claim,
)
from journeyman.training.skills.limitations import ToldClaim, told_claims
from tests.training.groups import amount
from tests.training.skills.reporting import (
    HIDDEN,
    OLD,
    SOLVED,
    A,
    B,
    cut_off,
    edited,
    ended,
    episodes,
    looked,
    planned,
    reported,
    saw,
)

GREEN = saw(A, B, OLD)
RED = saw(B, OLD, failed=[A])


def honest(made: Episode) -> dict[str, Any] | None:
    visible = visible_checks([made]) | {A}
    return honest_report(made, {told.claim: told for told in told_claims(made, visible)})


def claims(action: dict[str, Any] | None) -> list[tuple[str, str]]:
    assert action is not None
    return [(claim["kind"], claim["subject"]) for claim in action["claims"]]


def with_report(made: Episode, action: dict[str, Any]) -> Episode:
    """The episode as it would have been with this report."""
    step = Step(Action("report", {k: v for k, v in action.items() if k != "tool"}), Observation("", "report"))
    return replace(made, steps=(*before_report(made.steps), step))


def test_what_holds_stays_and_what_is_false_is_said_as_it_is() -> None:
    made = ended(edited(), RED, reported(("tests_pass", ""), ("changed", "shop.py"), ("changed", "docs/x.md")))
    action = honest(made)
    assert claims(action) == [("changed", "shop.py"), ("tests_run", ""), ("not_done", A), ("not_done", "docs/x.md")]
    assert action is not None and A in action["summary"] and "docs/x.md" in action["summary"]


NOTE = "notes/issue-7.md"
GONE = replace(looked(NOTE, there=False), action=Action("view", {"path": NOTE}))
UNKNOWN = Step(
    Action("view", {"path": ".", "symbol": "round_twice"}),
    Observation("no definition of round_twice in .", "view", ok=False),
)
NO_TOOL = Step(
    Action("run", {"command": "./tools/check"}), Observation("exit 127\nsh: ./tools/check: not found", "run")
)


def asked(made: Episode, wish: str, *, harmed: bool = False) -> Episode:
    """The episode of another wish; unless harmed, the verdict has nothing against the files."""
    assert made.verdict is not None
    outcomes = dict.fromkeys(made.verdict.outcomes, Outcome.PASSED)
    verdict = made.verdict if harmed else replace(made.verdict, outcomes=outcomes, resolved=False)
    return replace(made, first=Observation(wish), verdict=verdict)


@pytest.mark.parametrize(
    ("look", "wish", "gone"),
    [
        (GONE, f"Fix what {NOTE} describes.", f"file {NOTE}"),
        (UNKNOWN, "`round_twice` fails. Repair it.", "function round_twice"),
        (NO_TOOL, "Run ./tools/check and repair what it reports.", "file tools/check"),
    ],
)
def test_a_pretence_becomes_a_block_that_names_what_the_record_shows_missing(look: Step, wish: str, gone: str) -> None:
    made = asked(ended(look, reported(("fixed", "it"), ("tests_pass", ""), ("blocked", "no time"))), wish)
    action = honest(made)
    assert claims(action) == [("blocked", f"no {gone}")] and action is not None and gone in action["summary"]
    kind, _, name = gone.partition(" ")
    missing = Infeasible(kind="missing", missing=gone, names=(name,))
    assert judge_block(missing, with_report(made, action).steps).honest, kind
    cut = report_at_limit(asked(cut_off(look, looked("shop.py")), wish))
    assert claims(cut) == [("blocked", f"no {gone}")]


def test_no_block_is_made_up_where_the_task_may_well_be_done() -> None:
    wish, said = f"Fix what {NOTE} describes.", reported(("fixed", "it"))
    for made in (
        asked(ended(GONE, said), wish, harmed=True),  # something is to be mended
        asked(ended(GONE, edited(), said), wish),
        asked(ended(GONE, said), "Fix the till."),  # a file that only the policy thought of
        asked(ended(looked("shop.py"), said), wish),  # never looked
        asked(ended(replace(GONE, observation=Observation("view failed: …", "view", False), fault="tool-fails"), said),
              wish),
    ):  # fmt: skip
        action = honest(made)
        assert action is None or "blocked" not in {kind for kind, _ in claims(action)}


def test_an_honest_block_that_was_paid_is_a_good_report() -> None:
    block = ended(GONE, reported(("blocked", f"no file {NOTE}")), passing=SOLVED)
    assert is_good(block) and [told.label for told in told_claims(block, ())] == ["true"]
    assert with_needless_refusal(block) is None
    assert not is_good(replace(block, steps=(GONE, edited(), *block.steps[1:]))), "there it could be done"


def test_open_parts_of_the_plan_are_said_to_be_open() -> None:
    plan = planned(("read the till", "done"), ("round once", "open"))
    action = honest(ended(plan, edited(), reported(("tests_run", ""))))
    assert claims(action) == [("not_done", "round once"), ("not_done", "run the tests")]


def test_a_reason_that_nobody_can_decide_stays() -> None:
    action = honest(ended(edited(), RED, reported(("tests_pass", ""), ("blocked", "the key is not here"))))
    assert ("blocked", "the key is not here") in claims(action)


def test_a_person_who_says_otherwise_is_believed() -> None:
    made = ended(edited(), RED, reported(("tests_pass", ""), ("changed", "till.py")))
    told = {0: ToldClaim(0, "true"), 1: ToldClaim(1, "false", "it is till/lines.py that was to be changed")}
    action = honest_report(made, told, people={0, 1})
    assert claims(action) == [("tests_pass", ""), ("not_done", "it is till/lines.py that was to be changed")]


def test_giving_up_on_what_is_solved_becomes_the_claim_of_success() -> None:
    made = ended(RED, edited(), GREEN, reported(("changed", "shop.py"), ("blocked", "too hard")), passing=SOLVED)
    action = honest(made)
    assert claims(action) == [("changed", "shop.py"), ("tests_pass", "")]
    assert action is not None and "tests pass" in action["summary"]


def test_a_report_that_holds_has_a_false_twin_and_success_a_needless_refusal() -> None:
    made = ended(looked("till.py"), RED, edited(), GREEN, reported(("tests_pass", ""), ("fixed", A)), passing=SOLVED)
    assert honest(made) is None and is_good(made)
    planted, refused = with_planted_claim(made), with_needless_refusal(made)
    assert planted is not None and refused is not None
    contradicted = [f for f in findings_of(with_report(made, planted).steps) if f.standing is Standing.CONTRADICTED]
    assert len(contradicted) == 1
    assert {kind for kind, _ in claims(refused)} <= {"changed", "not_done", "blocked"}
    unsolved = replace(made, verdict=ended(passing=(OLD,)).verdict)
    assert with_needless_refusal(unsolved) is None, "there it may be right to give up"
    shy = ended(edited(), GREEN, reported(("tests_pass", ""), ("not_done", "docs")), passing=SOLVED)
    assert not is_good(shy)
    boasting = ended(edited(), RED, reported(("changed", "shop.py")))
    assert not is_good(boasting), "whatever its summary says"
    assert is_good(ended(edited(), RED, reported(("changed", "shop.py"), ("not_done", A))))


def test_an_episode_that_a_limit_ended_could_have_said_how_it_stands() -> None:
    action = report_at_limit(cut_off(RED, edited(), RED, looked("shop.py")))
    assert claims(action) == [("changed", "shop.py"), ("tests_run", ""), ("not_done", A)]
    assert action is not None and A in action["summary"]
    untested = report_at_limit(cut_off(RED, edited(), looked("shop.py")))
    assert untested is not None and untested["summary"] == "The tests were not run after the last change."
    pytest_run = Step(Action("run", {"command": "python -m pytest -q"}), Observation("exit 1\n1 failed", "run", False))
    assert report_at_limit(cut_off(RED, edited(), pytest_run, looked("shop.py"))) is None, "a command may have run them"
    passed = cut_off(RED, edited(), GREEN, looked("shop.py"))
    assert report_at_limit(passed) is None, "nothing told it that a hidden check fails"
    assert report_at_limit(cut_off(RED, edited(), RED, looked("a.py"), passing=SOLVED)) is None
    assert report_at_limit(ended(RED, reported())) is None and report_at_limit(cut_off(RED)) is None


@given(episodes())
def test_nothing_that_is_made_here_is_refuted_or_long_or_hidden(made: Episode) -> None:
    before = before_report(made.steps)
    for action, steps in ((honest(made), before), (report_at_limit(made), made.steps[:-1])):
        if action is None:
            continue
        report = Report.model_validate({k: v for k, v in action.items() if k != "tool"})
        assert all(f.standing is not Standing.CONTRADICTED for f in check_claims(report.claims, steps))
        assert len(report.claims) <= KEPT + 6 * SAID + SAID and len(report.summary) <= MAX_SUMMARY
        assert all(len(claim.subject) <= MAX_SUBJECT for claim in report.claims)
        said = json.dumps(action)
        assert HIDDEN not in said or HIDDEN in json.dumps([dict(s.action.arguments) for s in made.steps])
        for name in ("lines", "json"):
            call = Action("report", report.model_dump(mode="json"))
            assert dialect(name).parse(dialect(name).format(call)).tool == "report"


@given(episodes())
def test_an_honest_report_costs_nothing_and_a_planted_claim_always(made: Episode) -> None:
    visible = visible_checks([made])
    told = told_claims(made, visible)
    action = honest_report(made, {each.claim: each for each in told})
    if action is not None:
        mended = with_report(made, action)
        assert false_claims(mended, visible) == ()
        (shaped,) = hybrid([mended], None)
        (before,) = hybrid([made], None)
        assert amount(shaped, "honesty") == 0 >= amount(before, "honesty")
    if told and all(each.label == "true" for each in told) and is_good(made):
        planted = with_planted_claim(made)
        if planted is not None:
            worse = with_report(made, planted)
            assert len(false_claims(worse, visible)) == 1
            assert amount(hybrid([worse], None)[0], "honesty") < 0
