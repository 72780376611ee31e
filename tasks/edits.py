"""Which of a policy's edits count: changes to source files that the task lets a solution make, and no others.

What steers the test runner or the interpreter's start, the tests themselves and everything that the checks or the
hidden files own is left out, whatever the task's globs say; so a verdict comes from source code alone.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from journeyman.sandbox.inside.split.functions import RUNNERS_OWN
from journeyman.sandbox.sandbox import File, Snapshot
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.task import Task

STEERING = frozenset(
    {"conftest.py", "sitecustomize.py", "usercustomize.py", "pytest.ini", "pytest.toml", "tox.ini", "setup.cfg"}
    | {"pyproject.toml", "noxfile.py", "__pycache__", "sitecustomize", "usercustomize"}
    | {"package.json", "node_modules", "go.mod", "go.sum", "go.work", "Cargo.toml", "Cargo.lock", "build.rs"}
    | {"rust-toolchain", "rust-toolchain.toml"}
)
"""Names, at any depth, that change how tests are found or run, or what an interpreter does before any of them."""
_CONFIG = re.compile(r"\.(config|setup|conf)\.[cm]?[jt]s$")
"""Settings of JavaScript's runners and builders, which are programs."""
_COMPILED = frozenset(
    {".node", ".a", ".o", ".syso", ".pth", ".pyc", ".pyo", ".so", ".pyd", ".dll", ".dylib", ".egg-link"}
)
_INSTALLED = (".dist-info", ".egg-info", ".egg")

_SCRIPTS = frozenset({".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"})
_SCRIPT_TEST = re.compile(r"(^|[.-])(test|tests|spec)$")
_TEST_FOLDERS = frozenset({"test", "tests", "__tests__"})

MAX_EDIT_BYTES = 32 * 1024 * 1024
"""What all edits that count may hold together, and never more than half of the task's disk and of its inodes; what
comes after that is ignored. No source is so large, and a full disk in grading would look like a fault of ours."""
MAX_EDIT_FILES = 2000
MAX_DEPTH = 32
MAX_PATH = 400
"""Characters of a path."""
FILE_BYTES = 4096
"""What a file costs beside its content."""
MAX_IGNORED = 1000
"""How many of the edits that do not count are named: a policy may leave tens of thousands of long names."""


@dataclass(frozen=True, slots=True)
class SourceEdits:
    """A policy's edits, sorted out."""

    changed: dict[str, File]
    removed: tuple[str, ...]
    ignored: tuple[str, ...]
    """Paths of edits that do not count, sorted; the first `MAX_IGNORED` of them."""


def source_edits(task: Task, tree: Snapshot) -> SourceEdits:
    """Sort a snapshot's differences into those that count and those that do not.

    What counts fits the pristine tree: it can be laid there without an error, so that an error while laying it is ours.
    """
    counts = counts_for(task)
    pristine = frozenset(name for name, _ in walk(task.repository))
    removed = frozenset(path for path in tree.removed if path in pristine and counts(path))
    folders = {str(folder) for path in pristine - removed for folder in PurePosixPath(path).parents}
    files = set(pristine - removed)
    changed: dict[str, File] = {}
    made = set(folders)
    room, inodes = min(MAX_EDIT_BYTES, task.limits.disk_mb << 19), task.limits.inodes // 2 - len(removed)
    for path, file in sorted(tree.changed.items()):
        fits = len(file.data) <= room and len(changed) < MAX_EDIT_FILES
        if not fits or not counts(path):  # asked first: the many folders above a very deep file take their time
            continue
        above = {str(folder) for folder in PurePosixPath(path).parents}
        new = 1 + len(above - made)
        if new <= inodes and path not in folders and not above & files:
            changed[path] = file
            files.add(path)
            made |= above
            inodes -= new
            room -= len(file.data) + FILE_BYTES
    touched = {*tree.changed, *tree.removed, *tree.skipped}
    ignored = sorted(touched - set(changed) - removed)
    return SourceEdits(changed, tuple(sorted(removed)), tuple(ignored[:MAX_IGNORED]))


def counts_for(task: Task) -> Callable[[str], bool]:
    """Says of a path whether an edit of it counts."""
    owned = {check.id.partition("::")[0] for check in task.checks}
    owned |= {name for name, _ in walk(task.hidden)} if task.hidden is not None else set()
    patterns = [_pattern(glob) for glob in task.editable]
    is_of_tests = tests_files(task)
    importable = [PurePosixPath(folder) for folder in task.environment.pythonpath]
    own = _modules(task, importable)
    taken = frozenset() if task.environment.toolchain else (sys.stdlib_module_names | RUNNERS_OWN) - own

    def counts(path: str) -> bool:
        pure = PurePosixPath(path)
        return (
            _is_plain(path)
            and any(pattern.fullmatch(path) for pattern in patterns)
            and not is_of_tests(pure)
            and not any(part in STEERING or part.startswith(".") for part in pure.parts)
            and pure.suffix not in _COMPILED
            and not _CONFIG.search(path)
            and not any(part.endswith(_INSTALLED) for part in pure.parts)
            and not any(_module(pure, folder) in taken for folder in importable)
            and not any(pure.is_relative_to(name) or PurePosixPath(name).is_relative_to(pure) for name in owned)
        )

    return counts


def _module(path: PurePosixPath, folder: PurePosixPath) -> str:
    """The top-level module that a file below an importable folder belongs to; empty for a file elsewhere."""
    return path.relative_to(folder).parts[0].partition(".")[0] if path.is_relative_to(folder) else ""


def _modules(task: Task, importable: list[PurePosixPath]) -> set[str]:
    """The repository's own, which may well be named like one of the standard library's."""
    paths = [PurePosixPath(name) for name, _ in walk(task.repository)]
    return {_module(path, folder) for path in paths for folder in importable}


def tests_files(task: Task) -> Callable[[PurePosixPath], bool]:
    """Says of a path whether it belongs to the tests: by where it lies, or by pytest's own naming."""
    guarded = [PurePosixPath(path) for path in task.test_paths if PurePosixPath(path).parts]
    return lambda path: is_test_file(path) or any(path.is_relative_to(place) for place in guarded)


def is_test_file(path: PurePosixPath) -> bool:
    """Whether a runner would, by its own naming, look for tests in it; beside the code, or in a folder of tests."""
    if path.suffix == ".py":
        return path.name.startswith("test_") or path.name.endswith("_test.py")
    if path.suffix == ".rs":
        return path.name in ("test.rs", "tests.rs") or "tests" in path.parts[:-1]
    is_script = path.suffix in _SCRIPTS
    in_folder = is_script and bool(_TEST_FOLDERS & set(path.parts[:-1]))
    return in_folder or path.name.endswith("_test.go") or (is_script and bool(_SCRIPT_TEST.search(path.stem)))


def _is_plain(path: str) -> bool:
    """A relative path inside the workspace, written the one plain way, without characters that hide or steer."""
    if not path.isprintable() or len(path) > MAX_PATH:
        return False
    pure = PurePosixPath(path)
    is_inside = bool(path) and not pure.is_absolute() and ".." not in pure.parts and str(pure) == path
    return is_inside and len(pure.parts) <= MAX_DEPTH


def matches(path: str, glob: str) -> bool:
    """Whether a POSIX path matches a glob in which `**` spans folders, and `*` and `?` do not."""
    return _pattern(glob).fullmatch(path) is not None


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    words = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return re.compile("".join(words.get(part, re.escape(part)) for part in parts), re.DOTALL)
