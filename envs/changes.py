"""What an action changed, read back from the diff that its step has recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from unidiff.constants import DEV_NULL
from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchedFile, PatchSet

from journeyman.envs.episode import Step


@dataclass(frozen=True, slots=True)
class Changed:
    """Lines that stood together in a file, and what stands there instead."""

    path: str
    line: int
    """Of the first of the old lines, from 1; where there are none, of the line that the new ones come before."""
    old: tuple[str, ...]
    new: tuple[str, ...]
    above: str | None = None
    """The line before them, where the diff shows it."""


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file of a recorded diff."""

    path: str
    was_there: bool
    is_there: bool
    changes: tuple[Changed, ...] = ()
    """None of a file that the diff only names: a binary or very large one."""
    beside: tuple[tuple[int, str], ...] = ()
    """Lines that stayed and that the diff shows beside its changes, by their numbers before."""
    empty: bool = False
    """An empty file came or went."""


def changes_of(diff: str) -> tuple[Changed, ...]:
    """The changes that a recorded diff tells line by line; none of files that it only names."""
    return tuple(change for file in files_of(diff) for change in file.changes)


def files_of(diff: str) -> tuple[ChangedFile, ...]:
    """The files of a recorded diff; none where it cannot be read, as may be in a record from elsewhere."""
    try:
        files = PatchSet(diff)
    except UnidiffParseError:
        return ()
    named = set(_NAMED.findall(diff))
    return tuple(_changed_file(file, (file.source_file, file.target_file) in named) for file in files)


_NAMED = re.compile(r"^--- (.+)\n\+\+\+ (.+)\nBinary or large file, now ", re.MULTILINE)


def _changed_file(file: PatchedFile, named: bool) -> ChangedFile:
    # Not by `is_added_file`: to unidiff a file that was empty was not there.
    was_there, is_there, changes = file.source_file != DEV_NULL, file.target_file != DEV_NULL, tuple(_changes(file))
    beside = tuple((row.source_line_no or 0, row.value.rstrip("\n")) for hunk in file for row in hunk if row.is_context)
    empty = was_there != is_there and not (changes or named or file.is_binary_file)
    return ChangedFile(file.path, was_there, is_there, changes, beside, empty)


def _changes(file: PatchedFile) -> Iterator[Changed]:
    for hunk in file:
        line, old, new = hunk.source_start, list[str](), list[str]()
        above: str | None = None
        for row in [*hunk, None]:
            if row is not None and row.is_removed:
                old.append(row.value.rstrip("\n"))
            elif row is not None and row.is_added:
                new.append(row.value.rstrip("\n"))
            elif row is None or row.is_context:
                if old or new:
                    yield Changed(file.path, line, tuple(old), tuple(new), above)
                line += len(old) + (row is not None)
                above = row.value.rstrip("\n") if row is not None else None
                old, new = [], []


def is_change(step: Step) -> bool:
    """Whether the policy changed files by this action. What a test run leaves is not the policy's, and an edit that
    was refused changed nothing."""
    return bool(step.diff) and step.action.tool != "test"
