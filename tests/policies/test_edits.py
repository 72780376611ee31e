"""Any change between two files becomes line edits that, done in their order, give exactly the second file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.actions import Edit
from journeyman.envs.tools.textfile import TextFile
from journeyman.policies.edits import edits_or_none, line_edits, solution_changes
from journeyman.policies.policy import PolicyError
from tests.making import solved, tiny_task, write_files

_LINES = st.lists(st.sampled_from(["", "a", "b", "    c", "d", "é"]), max_size=12)


def _done(lines: Sequence[str], edit: Edit) -> list[str]:
    """What the `edit` tool promises: lines `line` to `end` become `new`; empty text is no line at all."""
    assert edit.line is not None
    new = edit.new.removesuffix("\n").split("\n") if edit.new else []
    return [*lines[: edit.line - 1], *new, *lines[edit.end or edit.line :]]


@given(before=_LINES.filter(bool), after=_LINES)
def test_edits_done_in_order_give_the_other_file(before: list[str], after: list[str]) -> None:
    lines = list(before)
    for edit in line_edits(before, after):
        call = edit.action("a.py").parsed()
        assert 1 <= call.line <= (call.end or call.line) <= len(lines)
        lines = _done(lines, call)
    assert lines == after


def test_changes_close_to_each_other_are_one_edit_and_distant_ones_come_bottom_up() -> None:
    before = [f"line {n}" for n in range(1, 21)]
    after = list(before)
    after[1], after[3], after[17] = "two", "four", "eighteen"
    assert [(e.line, e.end) for e in line_edits(before, after)] == [(18, 18), (2, 4)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a\n", b"a"),
        (b"a\n", b"a\r\n"),
        (b"", b"a\n"),
        (b"a\n" * 99, (b"a\n" * 8 + b"b\n") * 11),
    ],
    ids=["final newline", "line ends", "empty", "all over the place"],
)
def test_what_lines_cannot_say_is_written_anew(before: bytes, after: bytes) -> None:
    old, new = TextFile.parse(before), TextFile.parse(after)
    assert old is not None and new is not None
    assert edits_or_none(old, new) is None


def test_the_changes_of_a_solution_are_the_files_that_differ(tmp_path: Path) -> None:
    task = tiny_task(tmp_path)
    assert task.solution is not None
    write_files(task.solution, {"README.md": "Parcels.\n", "extra/new.py": "x = 1\n"})
    changes = {change.path: change for change in solution_changes(task)}
    assert sorted(changes) == ["extra/new.py", "parcel.py"]
    assert changes["extra/new.py"].before is None
    assert changes["parcel.py"].after.text == solved()


def test_a_task_without_a_solution_cannot_be_played(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="tiny-parcel has no reference solution"):
        solution_changes(tiny_task(tmp_path, solution=None))


def test_a_binary_solution_is_refused_by_name(tmp_path: Path) -> None:
    task = tiny_task(tmp_path)
    assert task.solution is not None
    (task.solution / "data.bin").write_bytes(b"\x00\x01")
    with pytest.raises(PolicyError, match=r"data\.bin is binary"):
        solution_changes(task)
