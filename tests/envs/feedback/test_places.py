"""A comment's lines are held against what the record tells of the file at that moment."""

from __future__ import annotations

from difflib import unified_diff
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.episode import Episode, Step
from journeyman.envs.feedback import places
from journeyman.envs.feedback.entry import Place
from journeyman.envs.feedback.places import Files, Moved, turn_of
from tests.envs.feedback.saying import episode, judged, said, step


def diff(old: list[str] | None, new: list[str] | None, path: str = "a.py", context: int = 3) -> str:
    names = [f"a/{path}" if old is not None else "/dev/null", f"b/{path}" if new is not None else "/dev/null"]
    rows = list(unified_diff([f"{x}\n" for x in old or ()], [f"{x}\n" for x in new or ()], *names, n=context))
    return "".join(rows) or f"--- {names[0]}\n+++ {names[1]}\n"


FIRST = [f"line {n}" for n in range(1, 31)]
SECOND = [*FIRST[:9], "new a", "new b", *FIRST[9:]]
THIRD = [*SECOND[:1], *SECOND[3:]]


def mended() -> Episode:
    return episode([step("edit", diff(FIRST, SECOND)), step(), step("edit", diff(SECOND, THIRD))])


def at(line: int, quote: str, **fields: object) -> Place:
    return Place.model_validate({"path": "a.py", "line": line, "quote": quote, **fields})


def moved(there: Episode, place: Place) -> Moved | None:
    return places.moved(Files(there.steps), place)


def test_a_quote_that_stands_there_has_not_moved() -> None:
    there = mended()
    assert moved(there, at(10, "new a", step=1)) is None
    assert moved(there, at(10, "new a\nnew b", step=2, end=11)) is None
    assert moved(there, at(8, "new a")) is None  # after the last step
    assert moved(there, at(10, "line 10", step=1, side="old")) is None
    assert moved(there, at(2, "line 2", side="old")) is None  # before the first: carried back from the third


def test_what_is_shown_with_gaps_is_quoted_up_to_the_first() -> None:
    shown = {9: "line 9", 10: "new a", 11: "new b", 20: "line 18"}
    assert places.quote_of(shown, 10, 20) == "new a\nnew b"
    assert places.quote_of(shown, 12, 20) == ""
    assert moved(mended(), at(10, places.quote_of(shown, 10, 20), step=1, end=20)) is None


def test_a_quote_from_elsewhere_in_the_file_is_found() -> None:
    found = moved(mended(), at(9, "new a\nnew b  ", step=1, end=10))
    assert found is not None and found.place == at(10, "new a\nnew b  ", step=1, end=11)
    assert "line 10" in found.why and "after step 1" in found.why
    later = moved(mended(), at(10, "new a"))  # said of the line before the third step moved it
    assert later is not None and later.place is not None and later.place.line == 8


def test_a_quote_that_is_nowhere_or_twice_has_moved_without_a_place() -> None:
    nowhere = moved(mended(), at(10, "old a", step=1))
    assert nowhere is not None and nowhere.place is None and "nowhere" in nowhere.why
    twins = episode([step("write", path="a.py", content="x\ny\nx\n")])
    twice = moved(twins, at(2, "x"))
    assert twice is not None and twice.place is None and "2 other places" in twice.why


def test_what_the_record_does_not_show_is_not_held_against_a_comment() -> None:
    assert moved(mended(), at(29, "anything", step=1)) is None
    assert moved(mended(), at(1, "anything", step=1, path="b.py")) is None
    assert moved(mended(), at(10, "", step=1)) is None
    binary = episode(
        [step(diff=diff(FIRST, SECOND)), step(diff="--- a/a.py\n+++ b/a.py\nBinary or large file, now 9 bytes\n")]
    )
    assert moved(binary, at(10, "anything", step=2)) is None
    crowd = episode([step(diff=diff(FIRST, SECOND)), step(diff="and 3 more files, changed or not\n")])
    assert moved(crowd, at(10, "anything", step=2)) is None


def test_what_the_policy_was_shown_counts() -> None:
    seen = episode(
        [step("view", shown="a.py:4-5 of 30\n4|four\n5|five", path="a.py"), step("edit", diff(FIRST, SECOND))]
    )
    assert moved(seen, at(4, "four", step=1)) is None
    found = moved(seen, at(4, "five", step=1))
    assert found is not None and found.place is not None and found.place.line == 5


def test_a_file_that_is_not_there_holds_no_lines() -> None:
    there = episode([step("write", diff(None, ["x"])), step("run", diff(["x"], None))])
    assert moved(there, at(1, "x", step=1)) is None
    for place in (at(1, "x", step=1, side="old"), at(1, "x"), at(1, "x", side="old")):
        gone = moved(there, place)
        assert gone is not None and "there is no a.py" in gone.why
    short = moved(there, at(2, "", step=1))
    assert short is not None and "has 1 lines" in short.why


def test_lines_that_look_like_a_files_head_are_lines() -> None:
    old, new = ["-- a/b.py", "x"], ["++ b/b.py", "x"]
    assert turn_of(diff(old, new), "b.py").nothing
    assert turn_of(diff(old, new) + diff(["1"], ["2"], "b.py"), "b.py").hunks[0].after == {1: "2"}
    many = "--- a/b.py\n+++ b/b.py\n" * 5000  # each read on its own would take minutes
    assert turn_of(f"--- a/a.py\n+++ b/a.py\n@@ -1,5000 +1,5000 @@\n{many}", "b.py").nothing


def test_a_moved_comment_says_where_it_belongs() -> None:
    comment = said("critique", "c", episode="e1", body="why?", place=at(3, "new a", step=1).model_dump())
    found = judged([comment], mended())["c"]
    assert found.marks == ("moved",) and found.place is not None and found.place.line == 10


FILES = st.one_of(
    st.none(), st.lists(st.sampled_from(["a", "b", "-- a/a.py", "++ b/a.py", "@@ -1 +1 @@", ""]), max_size=8)
)


@given(st.lists(FILES, min_size=1, max_size=5), st.integers(0, 3))
def test_what_is_known_of_a_file_is_what_it_held(states: list[list[str] | None], context: int) -> None:
    """Whatever is changed into whatever: nothing is said to be known that was not so, at any moment."""
    steps: list[Step] = []
    for old, new in pairwise(states):
        steps.append(step(diff=diff(old, new, context=context) if old != new else ""))
    files = Files(steps)
    for moment, lines in enumerate(states):
        known = files.at("a.py", moment)
        assert known.there in (None, lines is not None)
        assert all(lines is not None and lines[n - 1] == text for n, text in known.lines.items())
        if known.count is not None:
            assert known.count == len(lines or ()) == len(known.lines)


@given(st.text(max_size=200), st.text(max_size=20), st.integers(1, 9))
def test_hostile_diffs_raise_nothing(text: str, quote: str, line: int) -> None:
    for words in (
        text,
        f"--- a/a.py\n+++ b/a.py\n@@ -{line} +{line},2 @@\n{text}",
        f"--- a/a.py\n+++ /dev/null\n{text}",
    ):
        moved(episode([step(diff=words), step("view", shown=text)]), at(line, quote))
