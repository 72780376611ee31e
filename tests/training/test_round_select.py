"""What is imitated: the best of the verified episodes, no two alike, and nothing that a person rejected."""

from __future__ import annotations

from pathlib import Path

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.observation import Observation
from journeyman.tasks.verdict import Assurance, Verdict
from journeyman.training.round_select import Candidate, best_verified
from tests.making import tiny_task


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
    selection = best_verified(found, {"tiny": task}, (), 3)
    assert [each.episode.id for each in selection.chosen] == ["short", "long", "old"]
    assert selection.left_out == {"more than 3 of its task": 1}
    assert [row["episode"] for row in selection.to_dict()["chosen"]] == ["short", "long", "old"]


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
    assert selection.left_out == {"not resolved": 1, "rejected by a reviewer": 1, "the same actions": 1}
    assert best_verified(found, {}, (), 9).left_out["the task is gone"] == 3
