"""What a task's page shows: what is asked, the repository, its milestones as a graph, the checks, what proves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from journeyman.cli_task import proven, recorded, shown_metadata
from journeyman.file_tree import Row, rows
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.task import Milestone, Task

FILES = 400
"""Lines of the repository's tree, at the most."""


@dataclass(frozen=True, slots=True)
class TaskPage:
    task: Task
    facts: dict[str, Any]
    milestones: tuple[Milestone, ...]
    tree: tuple[tuple[Row, int], ...]
    """Each line with its file's size in bytes; -1 for what is no file."""
    left_out: int
    """Lines that the tree does not show."""


def task_page(task: Task) -> TaskPage:
    """Put a task together for its page."""
    files = dict(walk(task.repository))
    tree = list(rows(files))
    shown = tuple((row, files[row.path].stat().st_size if row.path else -1) for row in tree[:FILES])
    facts = {"proof": proven(task) or recorded(task), **shown_metadata(task)}
    return TaskPage(task, facts, tuple(task.in_order()), shown, len(tree) - len(shown))
