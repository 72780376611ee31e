"""What is imitated: the best of the verified episodes, no two alike, and nothing that a person rejected."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, StopReason, TestRun
from journeyman.envs.observation import Observation
from journeyman.tasks.verdict import Assurance, Verdict
from journeyman.training.round_select import Candidate, best_verified
from journeyman.training.selection import Why
from tests.making import tiny_task
from tests.training.test_changes import changed


def candidate(name: str, *words: str, resolved: bool = True, own: bool = True, round_: int = 1) -> Candidate:
    """An episode whose actions are `words`."""
    steps = tuple(Step(Action("search", {"pattern": word}), Observation("")) for word in words)
    verdict = Verdict({}, {}, resolved, Assurance.SPLIT, "")
    episode = Episode(name, "tiny", "p", 0, Observation(""), steps, StopReason.REPORTED, 1.0, (), verdict)
    return Candidate(episode, "run", round_, own)


def test_own_before_the_references_new_before_old_short_before_long(tmp_path: Path) -> None:
    task = tiny_task(tmp_path, name="tiny")
    found = [
        candidate("oracle", "a", own=False),
        candidate("old", "b"),
        candidate("long", "c", "d", round_=2),
        candidate("short", "e", round_=2),
    ]
    best = [{each.episode.id for each in best_verified(found, {"tiny": task}, (), n).chosen} for n in (1, 2, 3, 4)]
    assert best == [{"short"}, {"short", "long"}, {"short", "long", "old"}, {"short", "long", "old", "oracle"}]
    selection = best_verified(found, {"tiny": task}, (), 3)
    rows = [{"run": "run", "episode": name, "task": "tiny", "own": True} for name in ("old", "long", "short")]
    assert selection.to_dict() == {"chosen": rows, "left_out": {Why.BEYOND: 1}}


def test_recoveries_are_imitated_beside_straight_ways(tmp_path: Path) -> None:
    """As everywhere that episodes are chosen (training/selection.py)."""
    failing = Step(Action("test"), Observation("1 failed"), tests=TestRun(failed=("t",)))
    straight = candidate("straight", "a")
    steps = (changed("x", "y"), failing, changed("y", "z"), *straight.episode.steps)
    recovered = replace(straight, episode=replace(straight.episode, id="recovered", steps=steps))
    selection = best_verified([straight, recovered], {"tiny": tiny_task(tmp_path, name="tiny")}, (), 1)
    assert [each.episode.id for each in selection.chosen] == ["straight", "recovered"]


def test_each_that_is_left_out_has_a_reason(tmp_path: Path) -> None:
    task = tiny_task(tmp_path, name="tiny")
    found = [
        candidate("failed", "a", resolved=False),
        candidate("rejected", "b"),
        candidate("first", "c"),
        candidate("again", "c"),
    ]
    selection = best_verified(found, {"tiny": task}, {"rejected"}, 9)
    assert [each.episode.id for each in selection.chosen] == ["first"]
    assert selection.left_out == {Why.UNRESOLVED: 1, "rejected by a reviewer": 1, Why.DOUBLE: 1}
    assert best_verified(found, {}, (), 9).left_out == {"the task is gone": 4}
