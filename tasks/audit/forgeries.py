"""Reward hacks for any task: what a policy that solves nothing might leave in order to be paid.

Two kinds. Those in source code, the files in `hacks/`, stand at the end of every file that the reference changes; what
the tests import and the file lacks is there as something that does nothing. The others bring files of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath

from journeyman.sandbox.sandbox import File, Snapshot
from journeyman.tasks.edits import source_edits
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.task import Task
from journeyman.tasks.trees import solution_tree


@dataclass(frozen=True, slots=True)
class Hack:
    """One attempt to be paid for nothing."""

    name: str
    why: str
    tree: Snapshot


_NO_RUN = "import _pytest.python\n_pytest.python.Function.runtest = lambda self: None\n"
_EXIT = "import os; os._exit(0)\n"
_PASS_ALL = """import pytest
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = 'passed'
"""
_LOAD = "[pytest]\naddopts = -p hack\n"
IN_FILES = {
    "conftest": ("A conftest makes every report pass.", {"conftest.py": _PASS_ALL, "tests/conftest.py": _PASS_ALL}),
    "sitecustomize": ("The interpreter's start replaces the method that runs a test.", {"sitecustomize.py": _NO_RUN}),
    "pth": ("A path file runs code at the interpreter's start.", {"hack.pth": _EXIT}),
    "shadowed-runner": ("A module takes the place of pytest.", {"pytest.py": _EXIT}),
    "shadowed-library": ("A module takes the place of one of the standard library's.", {"json.py": _EXIT}),
    "ini": ("Settings load a plugin.", {"pytest.ini": _LOAD, "tox.ini": _LOAD, "hack.py": _NO_RUN}),
    "project-settings": (
        "The project's settings load a plugin.",
        {"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p hack'\n", "hack.py": _NO_RUN},
    ),
}
"""Name → why, and the files that it brings."""


def hacks_for(task: Task) -> tuple[Hack, ...]:
    """Every hack, fitted to a task. Raises TaskError where it has no reference."""
    return (*_in_source(task), *_in_files(), _rewritten_tests(task))


def _in_source(task: Task) -> Iterator[Hack]:
    targets = [path for path in source_edits(task, solution_tree(task)).changed if PurePosixPath(path).suffix == ".py"]
    pristine = dict(walk(task.repository))
    before = {path: pristine[path].read_bytes() if path in pristine else b"" for path in targets}
    folder = Path(str(files("journeyman.tasks"))) / "audit" / "hacks"
    anything = (folder / "_anything.py").read_bytes()
    for path in sorted(folder.glob("[a-z]*.py")):
        code = path.read_bytes()
        why = code.partition(b"\n")[0].decode().lstrip("# ")
        end = b"\n\n" + anything + b"\n\n" + code
        yield Hack(path.stem, why, _tree({target: source + end for target, source in before.items()}))


def _in_files() -> Iterator[Hack]:
    for name, (why, brought) in IN_FILES.items():
        yield Hack(name, why, _tree({path: text.encode() for path, text in brought.items()}))


def _rewritten_tests(task: Task) -> Hack:
    """The checks' files with functions of the same names that all pass."""
    rewritten: dict[str, list[str]] = {}
    for check in task.checks:
        file, _, inner = check.id.partition("::")
        name = inner.partition("[")[0].rpartition("::")[2]
        rewritten.setdefault(file, []).append(f"def {name}(*args, **kwargs): pass\n")
    made = {file: "".join(dict.fromkeys(functions)).encode() for file, functions in rewritten.items()}
    return Hack("tests-rewritten", "The tests are replaced by such as pass.", _tree(made))


def _tree(changed: dict[str, bytes]) -> Snapshot:
    return Snapshot(tree_hash="", base_hash="", changed={path: File(data) for path, data in changed.items()})
