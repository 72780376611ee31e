"""The diffs of an episode's steps, laid over each other, tell what it changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.guidelines.net import net_changes
from journeyman.envs.guidelines.rules import find
from tests.envs.guidelines.making import Work

TEXT = "".join(f"line {n}\n" for n in range(40))
lines = st.lists(st.sampled_from(["a", "b", "c", "", "d d"]), max_size=12)


def test_what_was_taken_back_is_no_change() -> None:
    work = Work({"a.py": TEXT})
    work.edit("a.py", TEXT.replace("line 7\n", "seven\n")).edit("a.py", TEXT)
    work.edit("new.py", "x\n").edit("new.py", None)
    assert net_changes(work.steps) == ()


def test_what_was_taken_back_is_no_change_whichever_of_lines_that_are_alike_came_back() -> None:
    head, new = "import till\n", "def test_new():\n    assert till.total([]) == 0\n"
    one, two, three = (f"def test_{n}():\n    assert till.total([{n}]) == {n}\n" for n in range(3))
    text, more, other = ("\n\n".join(parts) for parts in (
        (head, one, two, three), (head, one, new, two, three), (head, one, new, three)))  # fmt: skip
    path = "tests/test_till.py"
    work = Work({path: text}).edit(path, more).edit(path, other).edit(path, text)
    assert net_changes(work.steps) == ()
    assert find("tests-untouched", work.end()).kept
    work.edit(path, text.replace("total([2])", "total([3])"))
    assert not find("tests-untouched", work.end()).kept


def test_an_empty_file_is_there() -> None:
    work = Work({"a.py": "", "b.py": "x\n"}).edit("a.py", "y\n").edit("b.py", "")
    assert [(file.was_there, file.is_there) for file in net_changes(work.steps)] == [(True, True)] * 2
    gone, back = "--- a/c.py\n+++ /dev/null\n", "--- /dev/null\n+++ b/c.py\n"
    assert net_changes(Work().do("run", diff=gone).do("run", diff=back).steps) == ()
    binary = [diff + f"Binary or large file, now {size} bytes\n" for diff, size in ((gone, 0), (back, 9))]
    assert len(net_changes(Work().do("run", diff=binary[0]).do("run", diff=binary[1]).steps)) == 1


def test_the_state_of_all_files_tells_what_diffs_do_not_show() -> None:
    binary = "--- a/q.bin\n+++ b/q.bin\nBinary or large file, now 5 bytes\n"
    work = Work().do("view").do("run", diff=binary).do("run", diff=binary)
    assert len(net_changes(work.steps)) == 1
    look, one, back = (replace(step, tree_hash=tree) for step, tree in zip(work.steps, "aba", strict=True))
    assert net_changes([look, one, back]) == () and len(net_changes([look, one])) == 1


@given(lines.map(lambda text: text[:6]), st.lists(lines, max_size=5))
def test_any_course_of_edits_that_ends_where_it_began_is_no_change(first: list[str], texts: list[list[str]]) -> None:
    """Of a text so short that each line stands beside some change: the diffs show all of it."""
    states = ["".join(f"{line}\n" for line in text) for text in (first, *texts, first)]
    work = Work({"a.py": states[0]})
    for state in states[1:]:
        work.edit("a.py", state)
    assert net_changes(work.steps) == ()


def test_each_line_names_the_step_that_wrote_it() -> None:
    work = Work({"a.py": TEXT})
    first = TEXT.replace("line 30\n", "thirty\nthirty and a half\n")
    work.edit("a.py", first).edit("a.py", "top\n" + first.replace("line 7\n", "")).edit("b.py", "b\n")
    a, b = net_changes(work.steps)
    assert [(line.text, line.step) for line in a.added] == [("top", 2), ("thirty", 1), ("thirty and a half", 1)]
    assert [(line.text, line.step) for line in a.removed] == [("line 7", 2), ("line 30", 1)]
    assert (a.was_there, b.was_there, b.steps) == (True, False, (3,))


def test_what_a_test_run_leaves_is_nobodys() -> None:
    work = Work({"a.py": TEXT}).edit("a.py", "top\n" + TEXT)
    work.steps[0] = replace(work.steps[0], action=replace(work.steps[0].action, tool="test"))
    assert net_changes(work.steps) == ()


def test_many_lines_that_are_alike_are_compared_in_no_time() -> None:
    long, other = "a\n" * 500, "a\nb\n" * 250
    work = Work({f"{n}.py": long for n in range(30)})  # with all lines as marks to go by each would take seconds
    for path in list(work.files):
        work.edit(path, None).edit(path, other)
    for file in net_changes(work.steps):
        assert len(file.added) - len(file.removed) == 0
        assert "b" in {line.text for line in file.added}


@pytest.mark.slow
@given(st.lists(lines, min_size=2, max_size=6))
def test_any_course_of_edits_leads_from_the_first_text_to_the_last(texts: list[list[str]]) -> None:
    states = ["".join(f"{line}\n" for line in text) for text in texts]
    work = Work({"a.py": states[0]})
    for state in states[1:]:
        work.edit("a.py", state)
    files = net_changes(work.steps)
    begin, end = (sorted(text) for text in (texts[0], texts[-1]))
    if not files:
        assert states[0] == states[-1]
        return
    (file,) = files
    # What was there, less what is gone, with what is new, is what is there now.
    left = list(begin)
    for line in file.removed:
        left.remove(line.text)
    assert sorted([*left, *(line.text for line in file.added)]) == end
