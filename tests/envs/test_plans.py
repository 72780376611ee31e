"""What became of each subtask of a plan, through all of its revisions, and what the record says when one is closed."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.actions import Action
from journeyman.envs.claims import Standing
from journeyman.envs.episode import Step, TestRun
from journeyman.envs.evidence import weigh
from journeyman.envs.observation import Observation
from journeyman.envs.plans import MOST, PlanStory, likeness, story_of

TOTAL, LABEL = "tests/test_parcel.py::test_total", "tests/test_parcel.py::test_label"


def did(tool: str, diff: str = "", tests: TestRun | None = None, **arguments: object) -> Step:
    return Step(Action(tool, arguments), Observation("", tool), diff=diff, tests=tests)


def edited(path: str = "parcel.py") -> Step:
    return did("edit", f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n", path=path)


def ran(*, failed: tuple[str, ...] = (), passed: tuple[str, ...] = (), target: str | None = None) -> Step:
    return did("test", tests=TestRun(passed=passed, failed=failed), target=target)


def planned(*parts: str | dict[str, Any]) -> Step:
    """ "x title" is done, "- title" dropped, "title" open."""
    status = {"x ": "done", "- ": "dropped"}
    return did(
        "plan",
        subtasks=[
            part if isinstance(part, dict) else {"title": part.removeprefix(part[:2]), "status": status[part[:2]]}
            if part[:2] in status else {"title": part}
            for part in parts
        ],
    )  # fmt: skip


def done(title: str, evidence: str, **more: object) -> dict[str, Any]:
    return {"title": title, "status": "done", "evidence": evidence, **more}


def told(story: PlanStory) -> list[tuple[str, str, int, int | None, int | None]]:
    return [(p.title, p.status, p.opened_at, p.closed_at, p.dropped_at) for p in story.parts]


def test_a_project_is_done_part_by_part() -> None:
    story = story_of([
        planned("mend the total", "write the label", "say so"),
        edited(), ran(passed=(TOTAL,)),
        planned(done("mend the total", TOTAL, confidence=0.9), "write the label", "say so"),
        edited("label.py"),
        planned(done("mend the total", TOTAL), done("write the label", LABEL), "- say so"),
    ])  # fmt: skip
    assert told(story) == [
        ("mend the total", "done", 1, 4, None), ("write the label", "done", 1, 6, None),
        ("say so", "dropped", 1, None, 6),
    ]  # fmt: skip
    total, label, _ = story.parts
    (first,), (second,) = total.closings, label.closings
    assert (first.standing, first.work, first.confidence) == (Standing.SUPPORTED, (2, 3), 0.9)
    assert (second.standing, second.work) == (Standing.UNVERIFIABLE, (5, 5)), "nobody ran its test"
    assert [str(each) for each in story.revisions] == ["opened 3", "closed 1", "closed 1, dropped 1"]


def test_what_comes_after_a_closing_does_not_count() -> None:
    plan = planned(done("mend", TOTAL))
    (part,) = story_of([planned("mend"), edited(), plan, ran(passed=(TOTAL,))]).parts
    assert part.closings[0].standing is Standing.UNVERIFIABLE
    (part,) = story_of([planned("mend"), edited(), ran(failed=(TOTAL,)), plan, edited(), ran(passed=(TOTAL,))]).parts
    assert part.closings[0].standing is Standing.CONTRADICTED


def test_a_reworded_part_is_the_same_one_and_another_is_not() -> None:
    story = story_of([
        planned("mend the total", "write the label", "document"),
        planned("Mend  the TOTAL", "x write the label of a parcel", "talk to the postman"),
    ])  # fmt: skip
    assert [part.titles for part in story.parts] == [
        ["mend the total", "Mend  the TOTAL"],
        ["write the label", "write the label of a parcel"],
        ["document"],
        ["talk to the postman"],
    ]
    assert [part.status for part in story.parts] == ["open", "done", "dropped", "open"]
    assert str(story.revisions[1]) == "opened 1, closed 1, dropped 1, reworded 1"


def test_of_several_alike_the_most_alike_and_then_the_first_belong_together() -> None:
    story = story_of([planned("mend case 1", "mend case 2"), planned("mend case 2", "mend the case 1")])
    assert [part.titles for part in story.parts] == [["mend case 1", "mend the case 1"], ["mend case 2"]]
    twice = story_of([planned("test", "test"), planned("x test", "test")])
    assert [part.status for part in twice.parts] == ["done", "open"]


def test_a_title_that_somebody_else_bears_now_is_theirs() -> None:
    story = story_of([planned("mend total a"), planned("mend total b"), planned("mend total a", "mend total b")])
    assert [part.title for part in story.parts] == ["mend total b", "mend total a"]


def test_a_part_may_be_left_off_when_it_is_done_come_back_and_be_opened_again() -> None:
    steps = [
        planned("read", "mend"),
        planned("x read", "mend"),
        planned("mend"),
        planned("read", "x mend"),
        planned("x mend"),
    ]
    story = story_of(steps)
    read, mend = story.parts
    assert (read.status, read.reopened, read.dropped_at, [c.at for c in read.closings]) == ("dropped", 1, 5, [2])
    assert (mend.status, mend.closed_at, mend.reopened) == ("done", 4, 0)
    assert read.closed_at is None


def test_what_was_refused_or_cannot_be_read_is_no_plan() -> None:
    refused = Step(Action("plan", {"subtasks": ["a"]}), Observation("", "plan", ok=False))
    assert not story_of([refused, did("plan", subtasks="odd"), did("plan", subtasks=[{"name": 1}])])
    assert story_of([]).to_dict() == {"parts": [], "revisions": [], "not_followed": 0}


@pytest.mark.parametrize(
    ("evidence", "standing"),
    [
        (TOTAL, Standing.SUPPORTED), ("tests/test_parcel.py", Standing.CONTRADICTED), (LABEL, Standing.CONTRADICTED),
        ("tests", Standing.CONTRADICTED), ("tests/test_other.py", Standing.UNVERIFIABLE),
        ("parcel.py", Standing.SUPPORTED), ("./parcel.py", Standing.SUPPORTED), ("other.py", Standing.CONTRADICTED),
        ("step 1", Standing.SUPPORTED), ("Step 2", Standing.CONTRADICTED), ("#3", Standing.UNVERIFIABLE),
        ("step 0", Standing.CONTRADICTED), ("step 99", Standing.CONTRADICTED),
        ("it looks good", Standing.UNVERIFIABLE), ("milestone-one", Standing.UNVERIFIABLE),
    ],
)  # fmt: skip
def test_evidence_is_held_against_the_record_as_claims_are(evidence: str, standing: Standing) -> None:
    steps = [edited(), ran(passed=(TOTAL,), failed=(LABEL,)), did("view", path="parcel.py")]
    ((found, because),) = weigh([evidence], steps)
    assert (found, bool(because)) == (standing, True)


_PARTS = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["read", "Read", "mend it", "mend it all", "say so", "x"])
        | st.text(min_size=1, max_size=9)
    },
    optional={
        "status": st.sampled_from(["open", "done", "dropped"]),
        "evidence": st.sampled_from([TOTAL, "parcel.py", "step 1", "step 999", "\x00", "::", "/", "."])
        | st.text(max_size=9),
        "confidence": st.floats(0, 1),
    },
)
_STEPS = st.lists(
    st.one_of(
        st.lists(_PARTS, min_size=1, max_size=5).map(lambda parts: planned(*parts)),
        st.just(edited()), st.just(ran(passed=(TOTAL,))), st.just(ran(failed=(TOTAL,))),
    ),
    max_size=8,
)  # fmt: skip


@given(_STEPS)
def test_every_story_is_sound(steps: list[Step]) -> None:
    story = story_of(steps)
    plans = [n for n, step in enumerate(steps, 1) if step.action.tool == "plan"]
    assert [each.at for each in story.revisions] == plans
    assert story.to_dict() == story_of(steps).to_dict()
    for number, part in enumerate(story.parts):
        assert sum(number in each.opened for each in story.revisions) == 1
        assert part.opened_at in plans
        assert (part.status == "dropped") == (part.dropped_at is not None)
        assert (part.status == "done") == (part.closed_at is not None)
        opened, closed = part.opened_at, [each.at for each in part.closings]
        assert closed == sorted(set(closed))
        assert all(at in plans and at >= opened for at in closed)
        assert all((each.standing is None) == (each.evidence is None) for each in part.closings)
        assert all(each.work is None or opened < each.work[0] <= each.work[1] < each.at for each in part.closings)
    if plans:
        last = steps[plans[-1] - 1].action.parsed().subtasks
        titles = sorted(" ".join(part.title.casefold().split()) for part in last)
        alive = [part for part in story.parts if part.status == "open"]
        assert {" ".join(part.title.casefold().split()) for part in alive} <= set(titles)


@given(_STEPS, _STEPS)
def test_what_is_told_of_a_closing_never_changes_by_what_comes_later(before: list[Step], after: list[Step]) -> None:
    now, later = story_of(before), story_of([*before, *after])
    for part, same in zip(now.parts, later.parts, strict=False):
        assert same.closings[: len(part.closings)] == part.closings


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=200))
def test_likeness_is_a_share_and_the_same_both_ways(one: str, other: str) -> None:
    assert 0 <= likeness(one, other) == likeness(other, one) <= 1
    assert likeness(one, one) == 1


@pytest.mark.slow
def test_a_flood_of_plans_is_told_in_bounded_time_and_space() -> None:
    flood = [planned(*(done(f"{n} {place} " + "ab" * 90, "tests/t.py::x") for place in range(40))) for n in range(1000)]
    started = time.perf_counter()
    story = story_of(flood)
    assert time.perf_counter() - started < 30
    assert len(story.parts) <= MOST
