"""What a task's page shows: what is asked, the repository, its milestones as a graph, the checks, what proves it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from journeyman.cli_task import proven, recorded, shown_metadata
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.task import Milestone, Task

FILES = 400
"""Lines of the repository's tree, at the most."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One line of a tree of files."""

    name: str
    depth: int
    size: int | None
    """In bytes; None for a folder."""


@dataclass(frozen=True, slots=True)
class TaskPage:
    task: Task
    facts: dict[str, Any]
    milestones: tuple[Milestone, ...]
    tree: tuple[Leaf, ...]
    left_out: int
    """Files that the tree does not show."""


def task_page(task: Task) -> TaskPage:
    """Put a task together for its page."""
    tree: list[Leaf] = []
    folders: set[PurePosixPath] = set()
    files = list(walk(task.repository))
    shown = 0
    for name, path in files:
        if len(tree) >= FILES:
            break
        pure = PurePosixPath(name)
        for folder in reversed(pure.parents[:-1]):
            if folder not in folders:
                folders.add(folder)
                tree.append(Leaf(f"{folder.name}/", len(folder.parts) - 1, None))
        tree.append(Leaf(pure.name, len(pure.parts) - 1, path.stat().st_size))
        shown += 1
    facts = {"proof": proven(task) or recorded(task), **shown_metadata(task)}
    return TaskPage(task, facts, tuple(task.in_order()), tuple(tree), len(files) - shown)
