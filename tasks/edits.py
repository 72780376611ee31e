"""Which of a policy's edits count: changes to source files that the task lets a solution make, and no others.

What steers the test runner or the interpreter's start, the tests themselves and everything that the hidden files own is
left out, whatever the task's globs say; so a verdict comes from source code alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from journeyman.sandbox.sandbox import File, Snapshot
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.task import Task

STEERING = frozenset(
    {"conftest.py", "sitecustomize.py", "usercustomize.py", "pytest.ini", "pytest.toml", "tox.ini", "setup.cfg"}
    | {"pyproject.toml", "noxfile.py", "__pycache__"}
)
"""Names, at any depth, that change how tests are found or run, or what an interpreter does before any of them."""


@dataclass(frozen=True, slots=True)
class SourceEdits:
    """A policy's edits, sorted out."""

    changed: dict[str, File]
    removed: tuple[str, ...]
    ignored: tuple[str, ...]
    """Paths of edits that do not count, sorted."""


def source_edits(task: Task, tree: Snapshot) -> SourceEdits:
    """Sort a snapshot's differences into those that count and those that do not."""
    counts = _counts(task)
    changed = {path: file for path, file in sorted(tree.changed.items()) if counts(path)}
    removed = tuple(path for path in sorted(tree.removed) if counts(path))
    touched = {*tree.changed, *tree.removed, *tree.skipped}
    return SourceEdits(changed, removed, tuple(sorted(touched - set(changed) - set(removed))))


def _counts(task: Task) -> Callable[[str], bool]:
    hidden = frozenset(name for name, _ in walk(task.hidden)) if task.hidden is not None else frozenset()
    patterns = [_pattern(glob) for glob in task.editable]
    guarded = [PurePosixPath(path) for path in task.test_paths if PurePosixPath(path).parts]

    def counts(path: str) -> bool:
        pure = PurePosixPath(path)
        return (
            _is_plain(path)
            and any(pattern.fullmatch(path) for pattern in patterns)
            and not is_test_file(pure)
            and not any(part in STEERING or part.startswith(".") for part in pure.parts)
            and pure.suffix not in (".pth", ".pyc", ".so")
            and not any(pure.is_relative_to(place) for place in guarded)
            and not any(pure.is_relative_to(name) or PurePosixPath(name).is_relative_to(pure) for name in hidden)
        )

    return counts


def is_test_file(path: PurePosixPath) -> bool:
    """Whether pytest would, by its own naming, look for tests in it."""
    return path.suffix == ".py" and (path.name.startswith("test_") or path.name.endswith("_test.py"))


def _is_plain(path: str) -> bool:
    """A relative path inside the workspace, written the one plain way."""
    pure = PurePosixPath(path)
    return bool(path) and not pure.is_absolute() and ".." not in pure.parts and str(pure) == path and "\x00" not in path


def matches(path: str, glob: str) -> bool:
    """Whether a POSIX path matches a glob in which `**` spans folders, and `*` and `?` do not."""
    return _pattern(glob).fullmatch(path) is not None


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    words = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return re.compile("".join(words.get(part, re.escape(part)) for part in parts), re.DOTALL)
