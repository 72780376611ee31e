"""Whether what an action changed is still so at the end of its episode."""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.envs.changes import Changed, changes_of
from journeyman.envs.episode import Step


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
