"""What an episode's own test runs say of each check, and which failures of its own making it mended.

A change is the policy's own when an `edit`, `write` or `run` of it changed files. What failed before the first of these
was broken when it came: to see that is no mistake, and to mend it is the task.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from journeyman.envs.episode import Step

CHANGING = frozenset({"edit", "write", "run"})
"""Tools by which a policy changes files. What a `test` run leaves behind is not meant."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one test run said of one check."""

    step: int
    """From 1."""
    passed: bool
    changes: int
    """So many steps before it changed files."""
    tree_hash: str


@dataclass(frozen=True, slots=True)
class Correction:
    """A check that failed after a change of the policy's own, and passed after a further one."""

    check: str
    failed: Sighting
    """The last failure before it passed."""
    passed: Sighting


def sightings(steps: Sequence[Step], of: Collection[str] | None = None) -> dict[str, list[Sighting]]:
    """Check → what each run that tells of it said, in order. A file that cannot be collected fails all its checks.

    Args:
        of: only these checks; by default every test that was ever run.
    """
    told = {id_ for step in steps for id_ in step.test_ids}
    checks = told if of is None else told & set(of)
    seen: dict[str, list[Sighting]] = {check: [] for check in sorted(checks)}
    changes = 0
    for number, step in enumerate(steps, 1):
        if step.diff and step.action.tool in CHANGING:
            changes += 1
        if step.tests is None:
            continue
        broken = {*step.tests.failed, *step.tests.errors}
        passed = set(step.tests.passed) - broken
        for check in seen:
            if check in passed or check in broken or check.partition("::")[0] in broken:
                seen[check].append(Sighting(number, check in passed, changes, step.tree_hash))
    return seen


def shown(seen: Sequence[Sighting]) -> bool:
    """Whether the last run that tells of the check passed, after at least one change of the policy's own."""
    return bool(seen) and seen[-1].passed and seen[-1].changes > 0


def corrections(seen: dict[str, list[Sighting]]) -> tuple[Correction, ...]:
    """Every failing → passing by the policy's own further change, by check and then in order."""
    found = []
    for check, runs in seen.items():
        failure: Sighting | None = None
        for run in runs:
            if not run.passed:
                failure = run if run.changes else None
            elif failure is not None and run.changes > failure.changes:
                found.append(Correction(check, failure, run))
                failure = None
    return tuple(found)
