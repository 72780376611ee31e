"""Feedback is kept line by line: nothing said is lost, said twice or changed."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from journeyman.envs.feedback.entry import Critique, GuidelineRead, Place, Ranking, StepLabel, Undo
from journeyman.envs.feedback.log import FeedbackError, FeedbackLog, Logged
from journeyman.envs.feedback.standing import Mark, standing
from journeyman.envs.guidelines.guideline import Guideline, Item


def critique(id_: str = "c1", annotator: str = "ada", body: str = "too wide") -> Critique:
    place = Place(step=2, path="a.py", line=3, quote="x = 1")
    return Critique(id=id_, annotator=annotator, at="2026-01-01T00:00:00Z", episode="e1", place=place, body=body)


def test_what_is_said_is_read_again(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path / "run")
    assert log.read().entries == ()
    ranking = Ranking(id="r1", annotator="bob", at="2026-01-01T00:00:01Z", episodes=("e1", "e2"), ranks=(1, 1))
    log.write(critique())
    log.write(critique(), ranking)  # a client that asks again adds nothing
    assert log.read().entries == (critique(), ranking)


def test_an_id_says_one_thing(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path)
    log.write(critique())
    with pytest.raises(FeedbackError, match="c1"):
        log.write(critique(body="something else"))
    assert log.read().entries == (critique(),)


def test_a_line_that_is_no_entry_is_reported_and_stays(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path)
    log.write(critique())
    with log.path.open("ab") as file:
        file.write(b'{"kind": "step", "id": "s1"}\n{"kind": "crit')  # of another version, and torn
    log.write(critique("c2"))
    logged = log.read()
    assert [entry.id for entry in logged.entries] == ["c1", "c2"]
    assert [line.number for line in logged.unreadable] == [2, 3]
    assert b'"s1"' in log.path.read_bytes()


def test_only_who_said_it_takes_it_back(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path)
    label = StepLabel(id="s1", annotator="bob", at="2026-01-01T00:00:00Z", episode="gone", step=1, label="bad")
    log.write(critique(), label)
    log.write(
        Undo(id="u1", annotator="bob", at="2026-01-01T00:00:02Z", of="c1"),
        Undo(id="u2", annotator="bob", at="2026-01-01T00:00:02Z", of="s1"),
    )
    first, second, *_ = standing(log.read(), lambda id_: None, {})
    assert first.marks == (Mark.UNKNOWN,)
    assert second.marks == (Mark.UNDONE, Mark.UNKNOWN)


def test_the_guideline_that_holds_is_the_newest_and_the_last_read_whatever_the_order_of_the_lines() -> None:
    def read(day: int, version: int, text: str) -> GuidelineRead:
        item = Item(id="small", kind="must", text=text)
        guideline = Guideline(name="mine", version=version, title="Mine", items=(item,))
        return GuidelineRead(id=f"g{day}", annotator="ada", at=f"2026-01-0{day}T00:00:00Z", guideline=guideline)

    old, late, early = read(9, 1, "Change little."), read(8, 2, "Change nothing."), read(3, 2, "Change something.")
    for entries in permutations((old, late, early)):
        assert Logged(entries, ()).guidelines() == {"mine": late.guideline}
