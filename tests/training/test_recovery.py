"""Recovery is read off the record: what was spoiled was achieved after all, and the task was solved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Ancestry, Change, Episode, Step, StopReason, TestRun
from journeyman.envs.faults.kinds import ALL_KINDS
from journeyman.envs.observation import Observation
from journeyman.tasks.verdict import Assurance, Verdict
from journeyman.training.skills.recovery import NO_TURN, UNKNOWN, UNSCORED, got_over, recovery_of
from journeyman.training.tokens import worth_imitating

DIFF = "--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
BACK = "--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-x = 2\n+x = 1\n"
ELSEWHERE = DIFF.replace("m.py", "other.py")


def step(tool: str, fault: str = "", *, ok: bool = True, text: str = "", **facts: Any) -> Step:
    given = {"path": "m.py"} if tool in ("view", "edit") else {}
    return Step(Action(tool, given), Observation(text, tool, ok), fault=fault, **facts)


def view(fault: str = "", *, ok: bool = True) -> Step:
    return step("view", fault, ok=ok, text="m.py:1-1\n1|x = 1")


def edit(diff: str = DIFF, fault: str = "") -> Step:
    return step("edit", fault, ok=bool(diff) or bool(fault), diff=diff)


PASS, FAIL = step("test", tests=TestRun(("t",))), step("test", tests=TestRun((), ("t",)))
REPORT = step("report")
CUT = step("test", "interrupted", ok=False)
LATE = step("test", "times-out", ok=False)
LOST = edit("", "lost-edit")
FAILED_VIEW, FAILED_EDIT = view("tool-fails", ok=False), replace(edit("", "tool-fails"))


def episode(*steps: Step, resolved: bool = True, task: str = "t", fault: str = "", **changes: Any) -> Episode:
    verdict = Verdict({}, {}, resolved, Assurance.FRESH, "")
    made = Episode(
        "e",
        task,
        "p",
        0,
        Observation("Mend it."),
        steps,
        StopReason.REPORTED,
        float(resolved),
        (),
        verdict,
        fault=fault,
    )
    return replace(made, **changes)


RECOVERED = [
    ("asks again", 1, [FAILED_VIEW, view(), edit(), PASS, REPORT]),
    ("knew enough", 1, [FAILED_VIEW, edit(), PASS, REPORT]),
    ("edits again", 1, [view(), FAILED_EDIT, edit(), PASS, REPORT]),
    ("tests again", 1, [edit(), CUT, PASS, REPORT]),
    ("sees it failing first", 2, [edit(BACK), CUT, view(), FAIL, edit(), PASS, REPORT]),
    ("notices the loss", 3, [LOST, FAIL, view(), edit(), PASS, REPORT]),
    ("looks at what was lost", 1, [view("garbled"), view(), edit(), PASS, REPORT]),
    ("uses new numbers", 3, [view("shifted-lines"), edit("", "shifted-lines"), view(), edit(), PASS, REPORT]),
    ("asks for the right file", 2, [view("wrong-file"), FAIL, view(), edit(), PASS, REPORT]),
    ("is not misled", 2, [replace(FAIL, fault="misleading-test"), view(), edit(), PASS, REPORT]),
    ("runs fewer in the end", 2, [edit(), LATE, LATE, PASS, REPORT]),
]


@pytest.mark.parametrize(("what", "took", "steps"), RECOVERED, ids=[what for what, *_ in RECOVERED])
def test_who_achieves_it_after_all_has_recovered(what: str, took: int, steps: list[Step]) -> None:
    (struck,) = recovery_of([episode(*steps)]).struck
    assert struck.recovered and struck.steps == took
    (unsolved,) = recovery_of([episode(*steps, resolved=False)]).struck
    assert not unsolved.recovered and unsolved.steps is None, "without a solved task nothing was recovered"


NOT_RECOVERED = [
    ("claims without a test", [edit(), CUT, REPORT]),
    ("is cut off again", [edit(), CUT, CUT, REPORT]),
    ("believes it was changed", [edit(ELSEWHERE), LOST, PASS, REPORT]),
    ("changes another file", [LOST, edit(ELSEWHERE), PASS, REPORT]),
    ("gives up", [edit(), LATE, REPORT]),
    ("only looks", [edit(), FAILED_EDIT, view(), REPORT]),
]


@pytest.mark.parametrize(("what", "steps"), NOT_RECOVERED, ids=[what for what, _ in NOT_RECOVERED])
def test_doing_nothing_about_it_is_not_recovering(what: str, steps: list[Step]) -> None:
    (struck,) = recovery_of([episode(*steps)]).struck
    assert struck.resolved and not struck.recovered, "that the task was solved all the same is luck"


def test_only_who_got_over_it_is_an_example() -> None:
    assert got_over(episode(edit(), PASS, REPORT)), "nothing had to be got over"
    assert got_over(episode(edit(), CUT, PASS, REPORT))
    assert not got_over(episode(edit(), CUT, REPORT)) and not got_over(episode(edit(), CUT))


def test_an_honest_block_gets_over_a_fault_by_looking_again() -> None:
    gone = step("view", ok=False, text="no file m.py")
    block = Step(
        Action("report", {"claims": [{"kind": "blocked", "subject": "no file m.py"}]}), Observation("", "report")
    )
    (looked,) = recovery_of([episode(FAILED_VIEW, gone, block)]).struck
    assert looked.recovered and looked.steps == 1, "that it is not there is an answer"
    assert got_over(episode(gone, block, fault="stale-plan")), "nothing was to be repaired"
    assert got_over(episode(FAILED_EDIT, gone, block)) and not got_over(episode(gone, FAILED_EDIT, block))
    assert not got_over(episode(gone, FAILED_VIEW, block)) and not got_over(episode(FAILED_VIEW, FAILED_VIEW, block))
    assert worth_imitating([FAILED_VIEW, gone, block]) == [False, True, True]


def test_an_old_plan_is_got_over_by_a_repair() -> None:
    (struck,) = recovery_of([episode(FAIL, view(), edit(), PASS, REPORT, fault="stale-plan")]).struck
    assert struck.step == 0 and struck.steps == 3
    (believed,) = recovery_of([episode(REPORT, fault="stale-plan", resolved=False)]).struck
    assert not believed.recovered


def test_what_left_no_turn_or_no_score_is_not_counted() -> None:
    recovery = recovery_of(
        [
            episode(edit(), CUT),
            episode(edit(), CUT, PASS, reward=None),
            episode(edit(), replace(PASS, fault="gremlins"), PASS),
            episode(edit(), PASS, REPORT),
            episode(REPORT, resolved=False),
            episode(REPORT, reward=None),
        ]
    )
    assert not recovery.struck
    assert recovery.left_out == {NO_TURN: 1, UNSCORED: 1, UNKNOWN: 1}
    assert (recovery.unstruck.successes, recovery.unstruck.trials) == (1, 2)
    assert recovery.steps is None and any("not counted: 1 (no turn was left)" in line for line in recovery.lines())


def test_a_fork_is_not_held_to_what_its_parent_met() -> None:
    steps = (edit(), CUT, PASS, REPORT)
    assert not recovery_of([episode(*steps, ancestry=Ancestry("a", 2, Change.POLICY))]).struck
    assert recovery_of([episode(*steps, ancestry=Ancestry("a", 1, Change.POLICY))]).struck


def test_rates_are_by_kind_with_tasks_as_clusters_and_of_nothing_too() -> None:
    assert recovery_of([]).to_dict()["recovered"]["value"] is None
    assert recovery_of([episode(edit(), PASS, REPORT)]).lines()[0].startswith("no fault struck; resolved without: 1/1")
    told = [episode(edit(), CUT, PASS, REPORT, task=f"t{n % 2}") for n in range(6)]
    told += [episode(edit(), LATE, REPORT, task="t0"), episode(edit(), LATE, LATE, PASS, REPORT)]
    recovery = recovery_of(told)
    data = recovery.to_dict()
    assert data["recovered"]["successes"] == 7 and data["recovered"]["trials"] == 8
    assert data["training"]["recovered"]["value"] == 1 and data["held_out"]["recovered"]["value"] == 0.5
    assert list(data["kinds"]) == ["interrupted", "times-out"] and data["steps"]["median"] == 1
    low, high = recovery.recovered.interval
    assert 0 < low < 7 / 8 < high < 1 and recovery.recovered.effective is not None
    assert "interrupted      6/6 = 100.0%, in 1 step (" in "\n".join(recovery.lines())


def test_every_kind_can_be_recovered_from() -> None:
    seen = {each.fault for _, _, steps in RECOVERED for each in steps if each.fault}
    assert seen | {"stale-plan"} == set(ALL_KINDS)


def test_a_change_that_was_lost_is_not_taught_and_the_next_one_is() -> None:
    assert worth_imitating([LOST, FAIL, view(), edit(), PASS, REPORT]) == [False, True, True, True, True, True]
    assert worth_imitating([CUT, PASS]) == [False, True]
