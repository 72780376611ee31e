"""What is learned from: the best verified episodes of each task, each once, the same ones every time."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, StopReason, TestRun
from journeyman.envs.formats.assemble import IMPORTED
from journeyman.envs.observation import Observation
from journeyman.tasks.verdict import Assurance, Verdict
from journeyman.training.selection import Distinct, Why, recovers, select

TEST = Step(Action("test"), Observation("1 passed", "test"), tests=TestRun(passed=("t",)))
REPORT = Step(Action("report", {"summary": "Fixed."}), Observation("done", "report"))


def view(path: str = "a.py", *, ok: bool = True) -> Step:
    return Step(Action("view", {"path": path}), Observation("1|x", "view", ok))


def edit(new: str, *, ok: bool = True) -> Step:
    did = Observation("edited" if ok else "no such line", "edit", ok)
    return Step(Action("edit", {"path": "a.py", "line": 1, "new": new}), did, diff=f"+{new}" * ok, tree_hash=new)


def episode(name: str, *steps: Step, task: str = "t", tree: str = "", **changes: Any) -> Episode:
    verdict = Verdict({}, {}, resolved=True, assurance=Assurance.FRESH, tree_hash=tree or name)
    made = Episode(name, task, "local:tiny", 0, Observation("Fix it."), steps, StopReason.REPORTED, 1.0, (), verdict)
    return replace(made, **changes)


def failed(name: str, **changes: Any) -> Episode:
    verdict = Verdict({}, {}, resolved=False, assurance=Assurance.FRESH, tree_hash=name)
    return episode(name, edit("wrong"), REPORT, verdict=verdict, reward=0.0, **changes)


LONG = episode("long", view(), view("b.py"), edit("x"), TEST, REPORT)
SHORT = episode("short", edit("x"), REPORT)
REFUSED = episode("refused", view("c.py", ok=False), REPORT)


def names(*given: Episode, **options: Any) -> list[str]:
    return [each.id for each in select(given, **options).episodes]


def test_of_a_task_the_shorter_are_taken_and_of_these_those_that_were_refused_least() -> None:
    assert names(LONG, REFUSED, SHORT, per_task=1) == ["short"]
    assert names(LONG, REFUSED, SHORT, per_task=2) == ["refused", "short"], "in the order in which they were given"
    other = replace(LONG, id="other", task="u")
    assert names(LONG, SHORT, other, per_task=1) == ["short", "other"], "each task has its own best"
    better = replace(LONG, id="better", reward=1.5)
    assert names(SHORT, better, per_task=1) == ["better"]


def test_the_same_is_learned_once() -> None:
    twin = replace(SHORT, id="twin", seed=7)
    found = select([SHORT, twin, SHORT, replace(SHORT, id="elsewhere", task="u")])
    assert [each.id for each in found.episodes] == ["short", "elsewhere"]
    assert found.left_out == {Why.DOUBLE: 1, Why.AGAIN: 1}
    assert found.considered == 4
    same_end = replace(LONG, verdict=SHORT.verdict)
    assert names(SHORT, same_end) == ["short", "long"], "two ways to one end are two lessons"
    assert names(SHORT, same_end, distinct=Distinct.TREE) == ["short"]


def test_recoveries_are_chosen_apart_from_straight_ways() -> None:
    failing = Step(Action("test"), Observation("1 failed", "test"), tests=TestRun(failed=("t",)))
    recovered = episode("recovered", edit("x"), failing, edit("y"), TEST, REPORT)
    longer = episode("longer", view(), edit("x"), failing, edit("y"), TEST, REPORT)
    looked = episode("looked", failing, view(), edit("y"), TEST, REPORT)
    assert names(SHORT, LONG, longer, recovered, per_task=1) == ["short", "recovered"]
    assert names(looked, recovered, per_task=1) == ["looked", "recovered"], "what failed before was not its doing"
    refused = episode("refused", edit("x", ok=False), failing, edit("y"), TEST, REPORT)
    assert not recovers(refused), "an edit that was refused changed nothing"


def test_what_never_got_over_its_fault_is_not_imitated() -> None:
    cut = Step(Action("test"), Observation("interrupted", "test", False), fault="interrupted")
    lucky, steady = episode("lucky", edit("x"), cut, REPORT), episode("steady", edit("x"), cut, TEST, REPORT)
    found = select([lucky, steady])
    assert [each.id for each in found.episodes] == ["steady"] and found.left_out == {Why.NOT_OVER: 1}


def test_an_honest_block_is_learned_from_like_any_success() -> None:
    look = Step(Action("view", {"path": "n.md"}), Observation("no file n.md", "view", False))
    claim = {"kind": "blocked", "subject": "no file n.md"}
    block = Step(Action("report", {"summary": "There is no n.md.", "claims": [claim]}), Observation("done", "report"))
    assert names(episode("block", look, block)) == ["block"]


def test_what_nobody_verified_or_found_wrong_is_left_out_with_the_reason() -> None:
    unscored = replace(SHORT, id="unscored", reward=None, verdict=None)
    interrupted = replace(unscored, id="interrupted", stop=StopReason.INTERRUPTED)
    found = select([failed("f"), unscored, interrupted, SHORT])
    assert found.left_out == {Why.UNSCORED: 2, Why.UNRESOLVED: 1}
    assert [each.id for each in found.episodes] == ["short"]


def test_imported_episodes_are_taken_only_when_asked_for_and_after_verified_ones() -> None:
    theirs = episode("theirs", edit("y"), REPORT, verdict=None, reward=None, versions={IMPORTED: "openhands"})
    lost = replace(theirs, id="lost", reward=0.0)
    cut = replace(theirs, id="cut", stop=StopReason.STEP_LIMIT)
    foreign = replace(theirs, id="foreign", steps=(Step(Action("browse", {"url": "x"}), Observation("")), REPORT))
    found = select([theirs, lost, cut, foreign, LONG])
    assert [each.id for each in found.episodes] == ["long"]
    assert found.left_out == {Why.UNVERIFIED: 4}
    asked = select([theirs, lost, cut, foreign, LONG], unverified=True)
    assert [each.id for each in asked.episodes] == ["theirs", "long"]
    assert asked.left_out == {Why.FAILED_THERE: 2, Why.FOREIGN: 1}
    assert names(theirs, LONG, unverified=True, per_task=1) == ["long"]


def test_who_mends_what_no_test_had_shown_is_no_example() -> None:
    knowing = episode("k", edit("x"), TEST, edit("y"), TEST, REPORT, policy="mistaken")
    assert select([knowing]).left_out == {Why.KNOWING: 1}
    assert names(replace(knowing, policy="local:tiny")) == ["k"], "a model knew no more than it saw"


def test_the_same_runs_give_the_same_selection_and_nothing_is_lost() -> None:
    rng = random.Random(0)
    many = [
        episode(f"{n:02}", *[view(f"{rng.randrange(3)}.py") for _ in range(rng.randrange(4))], task=rng.choice("tuv"))
        if rng.random() < 0.7
        else failed(f"{n:02}")
        for n in range(60)
    ]
    first, second = select(many, per_task=3), select(list(many), per_task=3)
    assert first == second
    assert first.considered == 60
    assert select([], per_task=3).considered == 0
