"""What stands against a solution whose checks passed in the process that its code shares."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from journeyman.sandbox.sandbox import SandboxFactory, Snapshot
from journeyman.tasks.edits import SourceEdits
from journeyman.tasks.task import Task
from journeyman.tasks.trial import try_checks
from journeyman.tasks.twins.fuzz import differences
from journeyman.tasks.twins.spoil import twin_of


@dataclass(frozen=True, slots=True)
class Objection:
    """Checks that passed and do not count, and why."""

    checks: frozenset[str]
    why: str


def objections(
    task: Task, tree: Snapshot, edits: SourceEdits, passed: frozenset[str], sandboxes: SandboxFactory
) -> tuple[Objection, ...]:
    """Run the solution's twin, and, where every check passed, compare its answers with the reference's.

    Args:
        passed: the checks that passed.

    Raises:
        SupervisorFault: a sandbox could not be laid out.
    """
    doubtful = passed & frozenset(task.fail_to_pass)
    if not doubtful:
        return ()
    with ThreadPoolExecutor(1, thread_name_prefix="fuzz") as beside:
        whole = len(passed) == len(task.checks)
        fuzzing = beside.submit(differences, task, edits, sandboxes) if whole else None
        found = [*_twin_passes(task, tree, edits, doubtful, sandboxes)]
        if fuzzing is not None:
            found += [Objection(doubtful, str(difference)) for difference in fuzzing.result()]
    return tuple(found)


def _twin_passes(
    task: Task, tree: Snapshot, edits: SourceEdits, doubtful: frozenset[str], sandboxes: SandboxFactory
) -> list[Objection]:
    """Every check must be seen to fail: one that did not run shows nothing."""
    report = try_checks(task, tree, twin_of(task, edits), sandboxes).report
    fails = {result.id for result in report.results if result.outcome in ("failed", "error")} if report else set()
    if not (sound := doubtful - fails):
        return []
    return [Objection(frozenset(sound), "these checks do not fail where none of the code's functions gives an answer")]
