"""What an action changed, read back from the diff that its step has recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from journeyman.envs.episode import Step


@dataclass(frozen=True, slots=True)
class Changed:
    """Lines that stood together in a file, and what stands there instead."""

    path: str
    line: int
    """Of the first of the old lines, from 1; where there are none, of the line that the new ones come before."""
    old: tuple[str, ...]
    new: tuple[str, ...]


def changes_of(diff: str) -> tuple[Changed, ...]:
    """The changes that a recorded diff tells line by line; none of files that it only names."""
    try:
        files = PatchSet(diff)
    except UnidiffParseError:
        return ()
    found = []
    for file in files:
        for hunk in file:
            line, old, new = hunk.source_start, list[str](), list[str]()
            for row in [*hunk, None]:
                if row is not None and row.is_removed:
                    old.append(row.value.rstrip("\n"))
                elif row is not None and row.is_added:
                    new.append(row.value.rstrip("\n"))
                elif row is None or row.is_context:
                    if old or new:
                        found.append(Changed(file.path, line, tuple(old), tuple(new)))
                    line += len(old) + (row is not None)
                    old, new = [], []
    return tuple(found)


def is_change(step: Step) -> bool:
    """Whether the policy changed files by this action. What a test run leaves is not the policy's, and an edit that
    was refused changed nothing."""
    return bool(step.diff) and step.action.tool != "test"


def stands(change: int, steps: Sequence[Step]) -> bool:
    """Whether what a step changed is still so after the last one: nothing of it was taken away or put back.

    False where the record does not tell what was changed. Blank lines prove nothing.
    """
    did = changes_of(steps[change].diff)
    if not did:
        return False
    added, removed = _rows(did, "new"), _rows(did, "old")
    later = [each for step in steps[change + 1 :] for each in changes_of(step.diff)]
    return not (added & _rows(later, "old")) and not (removed & _rows(later, "new") - added)


def _rows(changes: Sequence[Changed], side: str) -> set[tuple[str, str]]:
    """The lines of one side, each with its file."""
    return {(each.path, row) for each in changes for row in getattr(each, side) if row.strip()}
