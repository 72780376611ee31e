"""The two trees that every task has: what the reference would have left, and what doing nothing leaves."""

from __future__ import annotations

from journeyman.sandbox.sandbox import File, Snapshot
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.task import Task, TaskError


def solution_tree(task: Task) -> Snapshot:
    """The reference solution as the snapshot that a policy would have left.

    Raises:
        TaskError: the task has no reference solution.
    """
    if task.solution is None:
        raise TaskError(f"{task.name}: no reference solution; put its files into solution/files/")
    changed = {n: File(p.read_bytes(), p.stat().st_mode & 0o777) for n, p in walk(task.solution)}
    return Snapshot(tree_hash="", base_hash="", changed=changed)


def pristine_tree() -> Snapshot:
    """What a policy that does nothing leaves."""
    return Snapshot(tree_hash="", base_hash="")
