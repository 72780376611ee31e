"""The instruction of a minted task: the symptom, as an issue would tell it; never the fault and never the fix.

`ordinalize` gives a wrong result.
test_inflection.py::test_ordinalize[1-1st] fails:
    assert inflection.ordinalize(number) == ordinalized
    assert '1th' == '1st'
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from journeyman.tasks.sources.code import is_python
from journeyman.tasks.sources.statement import failing_lines
from journeyman.tasks.sources.symptom_other import DEFAULT, failing_line, raised, said_lines, whole_modules
from journeyman.tasks.sources.trial import Failure

MAX_STATEMENT_LINES = 3
"""Of one statement; of each of two, one less."""
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
    if not is_python(failure.test.partition("::")[0]):
        return _describe_other(failure, fault, tests, set(functions))
    known = {name for name in functions if name == fault or not hasattr(builtins, name)}
    told = failing_lines(failure, tests, known)
    named = fault if fault in told.names else next(iter(told.names), "")
    shown = [line for block in told.blocks for line in shorten(block, MAX_STATEMENT_LINES + 1 - len(told.blocks))]
    lines = [_headline(failure, named), f"{failure.test} fails:"]
    lines += [f"    {line}" for line in (*shown, *message_lines(failure))]
    if failure.exception != "AssertionError" and (place := _deepest(failure, tests)):
        lines.append(f"    in {place}")
    return Symptom("\n".join(lines), failure.test, named, bool(named) and named == fault)


def _describe_other(failure: Failure, fault: str, tests: dict[str, bytes], known: set[str]) -> Symptom:
    whole, members = whole_modules(tests.get(failure.test.partition("::")[0], b""))
    told = failing_line(failure, tests, known | members | (whole if DEFAULT in known else set()))
    # A module that is one function has the name that the test gave it.
    meant = {fault, *(whole if fault == DEFAULT else ())}
    named = next((name for name in told.names if name in meant), next(iter(told.names), ""))
    subject = f"`{named}`" if named else "Something"
    error = raised(failure, tests)
    lines = [f"{subject} ends in {error}." if error else f"{subject} gives a wrong result.", f"{failure.test} fails:"]
    shown = [line for block in told.blocks for line in shorten(block, MAX_STATEMENT_LINES)]
    lines += [f"    {_narrow(line)}" for line in (*shown, *said_lines(failure))]
    return Symptom("\n".join(lines), failure.test, named, named in meant)


def _headline(failure: Failure, named: str) -> str:
    subject = f"`{named}`" if named else "Something"
    if failure.message.startswith(("Failed: DID NOT RAISE", "DID NOT RAISE")) or " not raised" in failure.message:
        return f"{subject} accepts what it should refuse."
    if failure.exception in {"AssertionError", "Failed"}:
        return f"{subject} gives a wrong result."
    return f"{subject} raises {failure.exception}."


def message_lines(failure: Failure) -> list[str]:
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


def shorten(lines: Sequence[str], most: int) -> list[str]:
    """The first lines, with a mark where more were."""
    kept = [_narrow(line) for line in lines[:most]]
    return [*kept[:-1], f"{kept[-1]} …"] if len(lines) > most else kept
