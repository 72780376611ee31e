"""Which files of a commit are the code, which its tests, which neither."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from journeyman.tasks.edits import STEERING, is_test_file
from journeyman.tasks.sources.git_history import Change, Unfit

_TEST_FOLDERS = frozenset({"test", "tests"})
_NO_SOURCE = frozenset(
    {"doc", "docs", "example", "examples", "benchmark", "benchmarks", "tools", "scripts", "setup.py", "versioneer.py"}
)
MAX_SOURCES = 10
"""Above it, a commit is more than one piece of work."""


@dataclass(frozen=True, slots=True)
class Sides:
    """A commit's files, by what they are."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]
    """Test files and what lies beside them."""


def is_of_tests(path: str) -> bool:
    """Whether a file belongs to the tests: by its name, or because it lies in their folder."""
    pure = PurePosixPath(path)
    return is_test_file(pure) or pure.name == "conftest.py" or bool(_TEST_FOLDERS & set(pure.parts[:-1]))


def is_source(path: str) -> bool:
    """Whether a file is code that a solution may change."""
    pure = PurePosixPath(path)
    if pure.suffix != ".py" or is_of_tests(path) or _NO_SOURCE & set(pure.parts):
        return False
    return not any(part in STEERING or part.startswith(".") for part in pure.parts)


def sides_of(change: Change) -> Sides:
    """Sort a commit's files.

    Raises:
        Unfit: it is not a change of source together with tests that a folder of files can hold.
    """
    sources = tuple(path for path in change.changed if is_source(path))
    tests = tuple(path for path in change.changed if is_of_tests(path))
    if any(is_source(path) for path in change.removed):
        raise Unfit("removes or renames source")
    if not sources:
        raise Unfit("tests only" if tests else "neither source nor tests")
    if not any(path.endswith(".py") for path in tests):
        raise Unfit("source without tests")
    if len(sources) > MAX_SOURCES:
        raise Unfit(f"more than {MAX_SOURCES} source files")
    if any(is_source(path) or is_of_tests(path) for path in change.special):
        raise Unfit("changes links or submodules")
    return Sides(sources, tests)


def import_folders(files: Iterable[str]) -> tuple[str, ...]:
    """The folders that are importable: the top, and `src` where that is no package."""
    names = set(files)
    has_src = any(name.startswith("src/") and name.endswith(".py") for name in names) and "src/__init__.py" not in names
    return ("src", ".") if has_src else (".",)


def editable(sources: Iterable[str], folders: tuple[str, ...]) -> tuple[str, ...]:
    """Globs over the code: whole packages, and modules that stand alone."""
    found: dict[str, None] = {}
    for path in sorted(sources):
        base = "src/" if "src" in folders and path.startswith("src/") else ""
        top, below, _ = path.removeprefix(base).partition("/")
        found[f"{base}{top}/**/*.py" if below else path] = None
    return tuple(found)
