"""From two versions of a file to the line-anchored edits between them, as a person would make them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from journeyman.envs.actions import Action
from journeyman.envs.tools.textfile import TextFile
from journeyman.policies.policy import PolicyError
from journeyman.tasks.task import Task

_JOINED_GAP = 3
"""Changes with no more equal lines between them are one edit."""
_OPENS = re.compile(r"\s*(?:async def |def |class |@)")
"""Where the next function begins: changes on both sides of it stay two edits."""
_MAX_EDITS = 8
"""A file that changes in more places is written anew."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file in two states: in the repository and in the reference solution, or on the way between them."""

    path: str
    before: TextFile | None
    """`None` when it does not exist yet."""
    after: TextFile


@dataclass(frozen=True, slots=True)
class LineEdit:
    """Lines `line` to `end` (from 1, both included) become `new`. Nothing changes above them."""

    line: int
    end: int
    new: tuple[str, ...]

    def action(self, path: str) -> Action:
        end = {"end": self.end} if self.end != self.line else {}
        return Action("edit", {"path": path, "line": self.line, **end, "new": _joined(self.new)})


def solution_changes(task: Task) -> tuple[FileChange, ...]:
    """What the reference solution changes, by path.

    Raises:
        PolicyError: the task has no solution, or one that no tool call can write (a binary file).
    """
    if task.solution is None or not task.solution.is_dir():
        raise PolicyError(f"task {task.name} has no reference solution to play; its folder is `solution/files`")
    changes = []
    for place in sorted(path for path in task.solution.rglob("*") if path.is_file()):
        path = place.relative_to(task.solution).as_posix()
        old = task.repository / path
        data = place.read_bytes()
        if old.is_file() and old.read_bytes() == data:
            continue
        after = TextFile.parse(data)
        before = TextFile.parse(old.read_bytes()) if old.is_file() else None
        if after is None:
            raise PolicyError(f"task {task.name}: solution file {path} is binary; no tool call can write it")
        changes.append(FileChange(path, before, after))
    return tuple(changes)


def line_edits(before: Sequence[str], after: Sequence[str]) -> tuple[LineEdit, ...]:
    """The edits that turn one into the other, from the last to the first, so that line numbers hold until used.

    `before` must not be empty.
    """
    spans: list[tuple[int, int, int, int]] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if spans and i1 - spans[-1][1] <= _JOINED_GAP and not any(map(_OPENS.match, before[spans[-1][1] : i1])):
            spans[-1] = (spans[-1][0], i2, spans[-1][2], j2)
        else:
            spans.append((i1, i2, j1, j2))
    return tuple(_line_edit(before, after[j1:j2], i1, i2) for i1, i2, j1, j2 in reversed(spans))


def edits_or_none(before: TextFile, after: TextFile) -> tuple[LineEdit, ...] | None:
    """The edits between two files, `None` when writing the whole file is the better (or the only) way."""
    same_form = (before.final_newline, before.crlf, before.bom) == (after.final_newline, after.crlf, after.bom)
    if not same_form or not before.lines or not after.lines:
        return None
    edits = line_edits(before.lines, after.lines)
    return edits if len(edits) <= _MAX_EDITS else None


def applied(file: TextFile, edits: Iterable[LineEdit]) -> TextFile:
    """The file after some of its edits, given from the last to the first."""
    lines = file.lines
    for edit in edits:
        lines = (*lines[: edit.line - 1], *edit.new, *lines[edit.end :])
    return replace(file, lines=lines)


def _line_edit(before: Sequence[str], new: Sequence[str], start: int, stop: int) -> LineEdit:
    if stop > start:
        return LineEdit(start + 1, stop, tuple(new))
    # An insertion has no line of its own: the one before it (at the top, the one after it) is written again.
    if start:
        return LineEdit(start, start, (before[start - 1], *new))
    return LineEdit(1, 1, (*new, before[0]))


def _joined(lines: Sequence[str]) -> str:
    text = "\n".join(lines)
    # A text that ends in a newline, or is empty, would lose its last blank line.
    return text + "\n" if lines and not lines[-1] else text
