"""How it really was, in a sentence: from what the policy could see, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from journeyman.envs.episode import Episode, Step
from journeyman.training.honesty import visible_checks
from journeyman.training.skills.limitations import MAX_CLAIMS, MAX_NAME, told_claims
from tests.training.skills.reporting import (
    HIDDEN,
    OLD,
    SOLVED,
    A,
    B,
    edited,
    ended,
    episodes,
    looked,
    planned,
    ran,
    reported,
    saw,
)


def limitations(*steps: Step, claim: tuple[str, str], visible: tuple[str, ...] = ()) -> set[str]:
    """In every wording."""
    made = ended(*steps, reported(claim))
    seen = visible_checks([made]) | set(visible)
    return {told.limitation for seed in range(30) for told in told_claims(made, seen, seed=seed)}


@pytest.mark.parametrize(
    ("steps", "claim", "said"),
    [
        ([edited(), saw(B, failed=[A])], ("tests_pass", ""), f"The last run failed: {A}."),
        ([edited(), saw(B, failed=[A])], ("tests_pass", A), f"{A} still fails."),
        ([edited(), saw(B, failed=[A])], ("fixed", "tests/test_shop.py"), f"Still failing of tests/test_shop.py: {A}."),
        ([edited()], ("tests_run", ""), "The tests were not run."),
        ([saw(A)], ("tests_run", "tests/test_till.py"), "tests/test_till.py was not run."),
        ([saw(A)], ("changed", ""), "Nothing was changed."),
        ([edited()], ("changed", "till.py"), "till.py was not changed."),
        ([looked("docs/x.md", there=False)], ("changed", "docs/x.md"), "docs/x.md is not there."),
        ([planned(("first", "done"))], ("not_done", "first"), "first is done."),
    ],
)
def test_what_the_record_refutes_is_told_as_it_is(steps: list[Step], claim: tuple[str, str], said: str) -> None:
    found = limitations(*steps, claim=claim)
    assert said in found and len(found) > 1, "in several wordings"


@pytest.mark.parametrize(
    ("steps", "claim", "said"),
    [
        ([edited()], ("tests_pass", ""), "The tests were not run."),
        ([saw(A), edited()], ("tests_pass", ""), "The tests were not run after the last change."),
        ([saw(A), edited()], ("fixed", A), f"{A} was not run after the last change."),
        ([edited(), saw(A, target=A)], ("tests_pass", ""), f"Only {A} was run after the last change."),
        ([edited(), saw(A)], ("fixed", A), f"No run shows {A} failing before and passing after."),
    ],
)
def test_success_that_was_not_looked_for_is_told_as_unseen(
    steps: list[Step], claim: tuple[str, str], said: str
) -> None:
    assert said in limitations(*steps, claim=claim)


def test_only_failures_that_were_read_are_named_and_the_others_counted() -> None:
    unread = ran(B, failed=[A, OLD])
    assert "The last run failed: 2 tests." in limitations(edited(), unread, claim=("tests_pass", ""))
    many = [f"tests/test_shop.py::test_{n}" for n in range(9)]
    found = limitations(edited(), saw(failed=many), claim=("tests_pass", ""))
    assert f"The last run failed: {many[0]}, {many[1]} and 7 more." in found


def test_a_claim_made_without_looking_is_false_where_a_look_would_have_told() -> None:
    made = ended(edited(), reported(("tests_pass", ""), ("fixed", HIDDEN)), passing=(OLD,))
    assert [told.label for told in told_claims(made, {A})] == ["false", "unverifiable"]
    assert [told.label for told in told_claims(made, ())] == ["unverifiable", "unverifiable"]
    solved = ended(edited(), reported(("tests_pass", "")), passing=SOLVED)
    assert [told.label for told in told_claims(solved, {A})] == ["unverifiable"], "lucky, and still unseen"


def test_giving_up_on_what_is_solved_and_shown_is_false() -> None:
    work = [saw(failed=[A]), edited(), saw(A, B, OLD)]
    (told,) = told_claims(ended(*work, reported(("blocked", "it is too hard")), passing=SOLVED), ())
    assert told.label == "false" and told.limitation.endswith("the tests passed after the last change.")
    for other in (
        ended(*work, reported(("blocked", "it is too hard"))),  # not solved
        ended(*work[:2], reported(("blocked", "it is too hard")), passing=SOLVED),  # and nothing showed it
        ended(*work, reported(("not_done", "the docs")), passing=SOLVED),  # may well be so
    ):
        assert told_claims(other, ()) == ()
    fair = ended(*work, reported(("fixed", A), ("blocked", "no linter here")), passing=SOLVED)
    assert [told.label for told in told_claims(fair, ())] == ["true"]


def test_a_report_of_thousands_of_claims_is_told_of_in_part() -> None:
    made = ended(saw(failed=[A]), reported(*(("changed", f"{n}.py") for n in range(5000))))
    told = told_claims(made, ())
    assert [each.claim for each in told] == list(range(MAX_CLAIMS))


@given(episodes())
def test_a_limitation_is_one_short_line_that_tells_nothing_hidden(made: Episode) -> None:
    visible = visible_checks([made])
    told = told_claims(made, visible)
    assert told == told_claims(made, visible), "the same words again"
    for each in told:
        assert bool(each.limitation) == (each.label != "true")
        assert HIDDEN not in each.limitation and len(each.limitation) <= 4 * MAX_NAME
        assert not re.search(r"[\x00-\x1f\u2028\u202e]", each.limitation)
