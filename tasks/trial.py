"""One run of a task's checks over a policy's edits, at the level of assurance that the task asks for.

At `fresh` everything lies in one new sandbox. At `split` there are two: one holds the tests and none of the code under
test, the other the code and no tests. What the tests import is there a mirror, whose every use is a call through the
supervisor to the other sandbox (`sandbox/inside/split/`). Tests and code must not need the same file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from journeyman.sandbox.link import LinkEnd, link
from journeyman.sandbox.sandbox import (
    Completed,
    Sandbox,
    SandboxError,
    SandboxFactory,
    SandboxLost,
    Snapshot,
)
from journeyman.tasks.edits import RUNNERS_OWN, SourceEdits, counts_for, is_test_file
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.runner import CODE_SIDE, ENVIRONMENT, SHARED_FILES, Subject, TestReport, run_tests
from journeyman.tasks.task import Task
from journeyman.tasks.verdict import Assurance

_NEVER_CODE = sys.stdlib_module_names | RUNNERS_OWN | {"conftest", "tests", "test"}


class SupervisorFault(RuntimeError):
    """The run could not begin, and no code of the solution had run by then."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How it went."""

    report: TestReport | None
    """`None` when the sandbox with the tests died."""
    tree_hash: str
    """The graded state: the pristine tree with the edits that count."""


def try_checks(task: Task, tree: Snapshot, edits: SourceEdits, sandboxes: SandboxFactory) -> Trial:
    """Run exactly the task's checks.

    Raises:
        SupervisorFault: a sandbox or a file could not be laid out.
    """
    with _laid_out(task, sandboxes) as code:
        try:
            _lay_edits(code, edits)
            state = code.snapshot()
            if tree.base_hash and state.base_hash != tree.base_hash:
                raise SupervisorFault("the snapshot was taken over another repository than the task's")
            if task.assurance is Assurance.FRESH:
                _lay_hidden(task, code)
            else:
                _remove(code, _tests_of(task))
        except (SandboxError, OSError) as error:
            raise _fault(error) from error
        if task.assurance is Assurance.FRESH:
            return Trial(_run(task, code), state.tree_hash)
        with _laid_out(task, sandboxes) as tests:
            try:
                _remove(tests, code_under_test(task).files)
                _lay_hidden(task, tests)
            except (SandboxError, OSError) as error:
                raise _fault(error) from error
            return Trial(_run_split(task, tests, code), state.tree_hash)


def _run(task: Task, sandbox: Sandbox, subject: Subject | None = None) -> TestReport | None:
    try:
        ids = [check.id for check in task.checks]
        return run_tests(sandbox, ids=ids, timeout_s=task.budget.grading_timeout_s, subject=subject)
    except SandboxLost:
        return None


def _run_split(task: Task, tests: Sandbox, code: Sandbox) -> TestReport | None:
    ours, theirs = link()
    with ThreadPoolExecutor(1, thread_name_prefix="code-under-test") as beside:
        serving = beside.submit(_serve, task, code, theirs)
        try:
            return _run(task, tests, Subject(tuple(sorted(code_under_test(task).modules)), ours))
        finally:
            code.close()  # it may be busy for ever
            _forget(serving)


def _serve(task: Task, code: Sandbox, end: LinkEnd) -> Completed:
    return code.run(CODE_SIDE, timeout_s=task.budget.grading_timeout_s, env={**ENVIRONMENT, **SHARED_FILES}, link=end)


def _forget(serving: Future[Completed]) -> None:
    """How the code's side ended says nothing: the tests have seen all that counts."""
    with suppress(SandboxError):
        serving.result()


@dataclass(frozen=True, slots=True)
class Code:
    """What the tests' side is without, as the task's own files say: an edit cannot add to it."""

    modules: frozenset[str]
    """Top-level modules: files, and packages that have an `__init__.py`."""
    files: frozenset[str]


def code_under_test(task: Task) -> Code:
    """The importable part of what a solution may change, in the repository or in the reference."""
    counts = counts_for(task)
    places = [task.repository, *([task.solution] if task.solution is not None else [])]
    there = {name for place in places for name, _ in walk(place)}
    modules, files = set(), set()
    for folder in task.environment.pythonpath:
        for name in there:
            path = PurePosixPath(name)
            if not path.is_relative_to(folder) or path.suffix != ".py" or not counts(name):
                continue
            top = PurePosixPath(folder) / path.relative_to(folder).parts[0]
            if top == path or str(top / "__init__.py") in there:
                modules.add(top.name.removesuffix(".py"))
                files.add(name)
    return Code(frozenset(name for name in modules - _NEVER_CODE if name.isidentifier()), frozenset(files))


def _tests_of(task: Task) -> Iterator[str]:
    """Python files that no solution may change: tests and what belongs to them."""
    counts = counts_for(task)
    guarded = [PurePosixPath(path) for path in task.test_paths if PurePosixPath(path).parts]
    for name, _ in walk(task.repository):
        path = PurePosixPath(name)
        is_guarded = any(path.is_relative_to(place) for place in guarded)
        if not counts(name) and (is_guarded or is_test_file(path) or path.name == "conftest.py"):
            yield name


def _laid_out(task: Task, sandboxes: SandboxFactory) -> Sandbox:
    try:
        return sandboxes.create(task.environment, task.repository, limits=task.limits)
    except (SandboxError, OSError) as error:
        raise SupervisorFault(f"no sandbox for grading: {error}") from error


def _fault(error: Exception) -> SupervisorFault:
    return SupervisorFault(f"the files could not be laid out for grading: {error}")


def _lay_edits(sandbox: Sandbox, edits: SourceEdits) -> None:
    for path in edits.removed:
        sandbox.remove(path)
    for path, file in edits.changed.items():
        sandbox.write(path, file.data, mode=0o755 if file.executable else 0o644)


def _lay_hidden(task: Task, sandbox: Sandbox) -> None:
    for name, path in walk(task.hidden) if task.hidden is not None else ():
        sandbox.write(name, path.read_bytes())


def _remove(sandbox: Sandbox, paths: Iterable[str]) -> None:
    there = frozenset(sandbox.files())
    for path in sorted(paths):
        if path in there:
            sandbox.remove(path)
