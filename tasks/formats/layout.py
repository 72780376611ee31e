"""From what a row says to the three trees of a task, and from those back to patches."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from journeyman.sandbox.sandbox import File
from journeyman.tasks.edits import counts_for, is_test_file
from journeyman.tasks.formats.fields import files, hidden_files, same_text
from journeyman.tasks.formats.format import FormatError, Imported, Row, Source, Tree
from journeyman.tasks.formats.patches import Patched, apply_patch, make_patch
from journeyman.tasks.formats.repositories import CommitFiles
from journeyman.tasks.harbor_plain import listed_tests
from journeyman.tasks.task import Check, Task

Read = Callable[[Sequence[Source]], CommitFiles]


@dataclass(frozen=True, slots=True)
class Layout:
    """A task's files, before they are written."""

    base: CommitFiles
    given: dict[str, File]
    """What a policy starts from."""
    solution: dict[str, File]
    """What the reference changes, whole."""
    hidden: dict[str, File]
    checks: tuple[Check, ...]
    unmapped: tuple[str, ...]


def lay_out(imported: Imported, read: Read) -> Layout:
    """The trees that a row gives over its repository.

    Raises:
        FormatError: the repository is not there, or a patch does not fit it.
    """
    base = read(imported.sources)
    bug = _apply("the bug", imported.bug, base.files)
    tests = _apply("test_patch", imported.tests, base.files)
    said = [*base.unmapped, *bug.unmapped, *_removals("test_patch", tests)]
    given = bug.over(base.files)
    if imported.bug:
        solution = {name: base.files[name] for name in (*bug.changed, *bug.removed) if name in base.files}
        if made := sorted(set(bug.changed) - set(base.files)):
            said.append(f"patch: a reference cannot remove what the bug adds: {', '.join(made)}")
    elif imported.reference_commit:
        solved = read([Source(source.repository, imported.reference_commit) for source in imported.sources]).files
        below = imported.reference_below
        solution = {n: f for n, f in solved.items() if _is_below(n, below) and given.get(n) != f}
        if gone := sorted(n for n in given if _is_below(n, below) and n not in solved):
            said.append(f"reference_commit: files that it lacks stay: {', '.join(gone[:5])}")
    else:
        reference = _apply("patch", imported.reference, given)
        said += _removals("patch", reference)
        solution = reference.changed
    hidden = {**tests.changed, **{name: File(text.encode()) for name, text in imported.hidden.items()}}
    checks = imported.checks
    if imported.checks_below:
        hidden = {n: f for n, f in solved.items() if _is_below(n, imported.checks_below)}
        checks, left = _listed(hidden)
        said += left
    for name in imported.withheld:
        if name not in base.files:
            raise FormatError(f"{name}: a check's file, and not in the repository")
        hidden[name] = base.files[name]
        given.pop(name, None)
    return Layout(base, given, solution, hidden, checks, tuple(said))


def _is_below(name: str, folder: str) -> bool:
    return not folder or name == folder or name.startswith(f"{folder}/")


def _listed(tests: Tree) -> tuple[tuple[Check, ...], list[str]]:
    """The test functions of some files as checks; what cannot be listed without running it, in words."""
    found: list[Check] = []
    left = 0
    for name, file in sorted(tests.items()):
        if not is_test_file(PurePosixPath(name)):
            continue
        try:
            functions = listed_tests(ast.parse(file.data))
        except (SyntaxError, ValueError):
            left += 1
            continue
        for prefix, function in functions:
            if any("parametrize" in ast.unparse(decorator) for decorator in function.decorator_list):
                left += 1
            else:
                found.append(Check(id=f"{name}::{prefix}{function.name}"))
    if not found:
        raise FormatError("no test function in the row's folder of tests that can be listed without running it")
    unique = {check.id: check for check in found}
    said = [f"test.test_dir: {left} parametrized or unreadable tests, whose ids are not known unrun"] if left else []
    return tuple(unique.values()), said


def counted(task: Task, solution: Tree) -> tuple[dict[str, File], list[str]]:
    """Of a reference's files those that a solution may change, and the others, in words.

    Raises:
        FormatError: none is left.
    """
    counts = counts_for(task)
    kept = {name: file for name, file in solution.items() if counts(name)}
    if not kept:
        raise FormatError(f"the reference changes no source file that counts ({', '.join(sorted(solution)) or 'none'})")
    return kept, [f"patch: {name} is no source file, so its change does not count" for name in solution.keys() - kept]


def reference_is(text: str, task: Task) -> bool:
    """Whether a patch over what a policy starts from does what the task's reference does."""
    counts = counts_for(task)
    try:
        changed = apply_patch(text, files(task.repository)).changed
    except FormatError:
        return False
    return same_text({n: f for n, f in changed.items() if counts(n)}, files(task.solution))


def set_reference(row: Row, field: str, task: Task) -> None:
    """Write the patch that solves a task, unless the row's own does just that."""
    if not isinstance(row.get(field), str) or not reference_is(row[field], task):
        row[field] = _fresh(files(task.repository), files(task.solution))


def set_tests(row: Row, field: str, task: Task) -> None:
    """Write the patch that lays the hidden tests, unless the row's own does just that."""
    given, wanted = files(task.repository), hidden_files(task)
    if not _does(row.get(field), given, wanted):
        row[field] = _fresh(given, wanted)


def set_bug(row: Row, field: str, task: Task) -> None:
    """Write the patch that makes the bug, unless the row's own does just that."""
    given, solution = files(task.repository), files(task.solution)
    solved = {**given, **solution}
    wanted = {name: given[name] for name in solution if name in given}
    if not _does(row.get(field), solved, wanted):
        row[field] = _fresh(solved, wanted)


def _does(text: object, before: Tree, wanted: Tree) -> bool:
    """Whether a patch makes of some files just what is wanted."""
    try:
        return same_text(apply_patch(text if isinstance(text, str) else "", before).changed, wanted)
    except FormatError:  # it was for other files
        return False


def _fresh(before: Tree, wanted: Tree) -> str:
    return make_patch({name: before[name] for name in wanted if name in before}, wanted)


def _apply(what: str, text: str, tree: Tree) -> Patched:
    try:
        return apply_patch(text, tree)
    except FormatError as error:
        raise FormatError(f"{what}: {error}") from error


def _removals(what: str, patched: Patched) -> list[str]:
    said = [f"{what}: {why}" for why in patched.unmapped]
    if patched.removed:
        said.append(f"{what}: files that it removes stay, as a task cannot remove any: {', '.join(patched.removed)}")
    return said
