"""The instruction of a minted task: the symptom, as an issue would tell it; never the fault and never the fix.

`ordinalize` gives a wrong result.
test_inflection.py::test_ordinalize[1-1st] fails:
    assert inflection.ordinalize(number) == ordinalized
    assert '1th' == '1st'
"""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from journeyman.tasks.sources.trial import Failure

MAX_STATEMENT_LINES = 3
MAX_WIDTH = 100
_FUNCTION = re.compile(r"<function ([\w.]+) at 0x[0-9a-f]+>")
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


@dataclass(frozen=True, slots=True)
class Symptom:
    """An instruction with what it names."""

    text: str
    test: str
    named: str
    """The library's function that it names; empty when the failing statement calls none."""
    names_the_fault: bool
    """The named function is the one that holds the fault."""


def describe(failure: Failure, fault: str, tests: dict[str, bytes], functions: Iterable[str]) -> Symptom:
    """Tell one failure.

    Args:
        failure: the failing test that the policy may see.
        fault: the bare name of the function that holds the fault.
        tests: test file → its text.
        functions: bare names of the library's functions.
    """
    statement, called = _failing_statement(failure, tests)
    known = [name for name in called if name in set(functions) and not hasattr(builtins, name)]
    named = fault if fault in known else (known[0] if known else "")
    lines = [_headline(failure, named), f"{failure.test} fails:"]
    lines += [f"    {line}" for line in (*statement, *_message(failure))]
    if failure.exception != "AssertionError" and (place := _deepest(failure, tests)):
        lines.append(f"    in {place}")
    return Symptom("\n".join(lines), failure.test, named, bool(named) and named == fault)


def _headline(failure: Failure, named: str) -> str:
    subject = f"`{named}`" if named else "Something"
    if failure.message.startswith(("Failed: DID NOT RAISE", "DID NOT RAISE")) or " not raised" in failure.message:
        return f"{subject} accepts what it should refuse."
    if failure.exception in {"AssertionError", "Failed"}:
        return f"{subject} gives a wrong result."
    return f"{subject} raises {failure.exception}."


def _message(failure: Failure) -> list[str]:
    """The first line of what pytest said, and where a compared value came from if it says so."""
    lines = [line for line in failure.message.splitlines() if line.strip()]
    lines = [_FUNCTION.sub(r"\1", line.removeprefix("AssertionError: ")) for line in lines]
    where = [line.strip() for line in lines[1:] if line.strip().startswith("+  where") and " at 0x" not in line]
    return [_narrow(_ADDRESS.sub("0x…", line)) for line in (lines[:1] + where[:1])] or [failure.exception]


def _narrow(line: str) -> str:
    """Keep both ends of a long line: what was asked stands at its head, what was expected often at its tail."""
    if len(line) <= MAX_WIDTH:
        return line
    return f"{line[: MAX_WIDTH * 2 // 3]} … {line[-(MAX_WIDTH // 3) :]}"


def _deepest(failure: Failure, tests: dict[str, bytes]) -> str:
    """The library's function in which the exception was raised, as the end of a traceback shows it."""
    folders = {PurePosixPath(path).parent for path in tests} - {PurePosixPath()}  # a test's helpers stand beside it
    inside = [
        (path, name)
        for path, _, name in failure.frames
        if path not in tests and not folders & set(PurePosixPath(path).parents)
    ]
    return f"{inside[-1][0]}, {inside[-1][1]}" if inside else ""


def _failing_statement(failure: Failure, tests: dict[str, bytes]) -> tuple[list[str], list[str]]:
    """The test's statement that failed, as lines, and the names that it calls, in order."""
    own = failure.test.partition("[")[0].rpartition("::")[2]
    frames = [(path, line, name) for path, line, name in failure.frames if path in tests]
    frames = [frame for frame in frames if frame[2] == own] or frames
    if not frames:
        return [], []
    path, line, _ = frames[-1]
    source = tests[path].decode("utf-8", "replace")
    node = _statement_at(source, line)
    if node is None:
        return [], []
    lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
    calls = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
    names = [f.attr if isinstance(f, ast.Attribute) else f.id for f in calls if isinstance(f, ast.Attribute | ast.Name)]
    # A function handed over uncalled, as to assertRaises, is meant just as much.
    names += [
        n.attr if isinstance(n, ast.Attribute) else n.id
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute | ast.Name)
    ]
    return _shorten(textwrap.dedent("\n".join(lines)).splitlines()), list(dict.fromkeys(names))


def _statement_at(source: str, line: int) -> ast.stmt | None:
    """The smallest statement that covers a line; of a compound one (`with`, `for`) only when nothing smaller does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    covering = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
        and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    return min(
        covering, key=lambda node: ((node.end_lineno or node.lineno) - node.lineno, -node.col_offset), default=None
    )


def _shorten(lines: list[str]) -> list[str]:
    kept = [_narrow(line) for line in lines[:MAX_STATEMENT_LINES]]
    return [*kept[:-1], f"{kept[-1]} …"] if len(lines) > MAX_STATEMENT_LINES else kept
