"""One run of a task's checks over a policy's edits, at the level of assurance that the task asks for.

At `fresh` and `twins` everything lies in one new sandbox. At `split` there are two: one holds the tests and none of the
code under test, the other the code and no tests. What the tests import is there a mirror, whose every use is a call
through the supervisor to the other sandbox (`sandbox/inside/split/`). Tests and code must not need the same file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from journeyman.sandbox.image import note_task
from journeyman.sandbox.inside.patience import longest
from journeyman.sandbox.inside.split.functions import RUNNERS_OWN
from journeyman.sandbox.link import LinkEnd, link
from journeyman.sandbox.sandbox import (
    Completed,
    Sandbox,
    SandboxError,
    SandboxFactory,
    SandboxLost,
    Snapshot,
)
from journeyman.tasks.edits import SourceEdits, counts_for, tests_files
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.report import TestReport
from journeyman.tasks.runner import CODE_SIDE, ENVIRONMENT, SHARED_FILES, Subject, run_tests
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
    is_split = task.assurance is Assurance.SPLIT
    with laid_out(task, edits, sandboxes) as code:
        with _laying_out():
            state = code.snapshot()
            if tree.base_hash and state.base_hash != tree.base_hash:
                raise SupervisorFault("the snapshot was taken over another repository than the task's")
            if is_split:
                _remove(code, _tests_of(task))
            else:
                lay_hidden(task, code)
        report = _run_split(task, code, sandboxes) if is_split else _run(task, code)
        return Trial(report, state.tree_hash)


@contextmanager
def laid_out(task: Task, edits: SourceEdits, sandboxes: SandboxFactory) -> Iterator[Sandbox]:
    """A new sandbox with pristine files, these edits, and nothing hidden.

    Raises:
        SupervisorFault: it could not be made, or the edits not be laid.
    """
    with _pristine(task, sandboxes) as sandbox:
        with _laying_out():
            lay_edits(sandbox, edits)
        yield sandbox


def _run(task: Task, sandbox: Sandbox, subject: Subject | None = None) -> TestReport | None:
    try:
        ids = [check.id for check in task.checks]
        limit, toolchain = task.budget.grading_timeout_s, task.environment.toolchain
        return run_tests(sandbox, ids=ids, timeout_s=limit, subject=subject, toolchain=toolchain)
    except SandboxLost:
        return None


def _run_split(task: Task, code: Sandbox, sandboxes: SandboxFactory) -> TestReport | None:
    under_test = code_under_test(task)
    ours, theirs = link()
    with _pristine(task, sandboxes) as tests, ThreadPoolExecutor(1, thread_name_prefix="code-under-test") as beside:
        with _laying_out():
            _remove(tests, under_test.files)
            lay_hidden(task, tests)
        serving = beside.submit(_serve, task, code, theirs)
        try:
            return _run(task, tests, Subject(tuple(sorted(under_test.modules)), tuple(_tests_modules(task)), ours))
        finally:
            code.close()  # it may be busy for ever
            _forget(serving)


def _serve(task: Task, code: Sandbox, end: LinkEnd) -> Completed:
    limit = longest(task.budget.grading_timeout_s)  # the tests' clock may have stood; their end is its end
    return code.run(CODE_SIDE, timeout_s=limit, env={**ENVIRONMENT, **SHARED_FILES}, link=end)


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
    """Those of them that the repository holds."""


def code_under_test(task: Task) -> Code:
    """The importable part of what a solution may change, in the repository or in the reference."""
    counts = counts_for(task)
    held = {name for name, _ in walk(task.repository)}
    there = held | ({name for name, _ in walk(task.solution)} if task.solution is not None else set())
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
    return Code(frozenset(name for name in modules - _NEVER_CODE if name.isidentifier()), frozenset(files & held))


def _tests_of(task: Task) -> Iterator[str]:
    """The repository's files that are the tests' own: no solution can have removed one."""
    is_of_tests = tests_files(task)
    for name, _ in walk(task.repository):
        path = PurePosixPath(name)
        if is_of_tests(path) or path.name == "conftest.py":
            yield name


def _tests_modules(task: Task) -> Iterator[str]:
    """Dotted names of what the tests' own files are when they are imported: no code stands in their place."""
    hidden = [name for name, _ in walk(task.hidden)] if task.hidden is not None else []
    for name in (*_tests_of(task), *hidden):
        path = PurePosixPath(name)
        for folder in task.environment.pythonpath:
            if path.suffix == ".py" and path.is_relative_to(folder):
                parts = path.relative_to(folder).with_suffix("").parts
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _pristine(task: Task, sandboxes: SandboxFactory) -> Sandbox:
    try:
        sandbox = sandboxes.create(task.environment, task.repository, limits=task.limits)
        note_task(task.environment, task.name)
        return sandbox
    except (SandboxError, OSError) as error:
        raise SupervisorFault(f"no sandbox for grading: {error}") from error


@contextmanager
def _laying_out() -> Iterator[None]:
    """What fails in here is a fault of ours."""
    try:
        yield
    except (SandboxError, OSError) as error:
        raise SupervisorFault(f"the files could not be laid out for grading: {error}") from error


def lay_edits(sandbox: Sandbox, edits: SourceEdits) -> None:
    """Make the edits that count."""
    for path in edits.removed:
        sandbox.remove(path)
    for path, file in edits.changed.items():
        sandbox.write(path, file.data, mode=0o755 if file.executable else 0o644)


def lay_hidden(task: Task, sandbox: Sandbox) -> None:
    """Put the hidden files in their places."""
    for name, path in walk(task.hidden) if task.hidden is not None else ():
        sandbox.write(name, path.read_bytes())


def _remove(sandbox: Sandbox, paths: Iterable[str]) -> None:
    for path in paths:
        sandbox.remove(path)
