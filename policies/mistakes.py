"""Plausible wrong versions of a solution's file: nearly the right line, or a change in the line next door."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from random import Random

from journeyman.envs.tools.syntax import Definition, definitions
from journeyman.envs.tools.textfile import TextFile
from journeyman.policies.edits import FileChange, LineEdit, edits_or_none
from journeyman.tasks.python_ast import parse
from journeyman.tasks.sources.operators.registry import mutations

_NEIGHBOURHOOD = 4
"""Lines above and below the fault in which a wrong guess falls."""
_NEAR_MISS_SHARE = 0.7
"""How often a mistake is nearly the right line (when both kinds can be had)."""
_SWAPS = (("<=", "<", ">", ">=", "==", "!="), ("+", "-"), ("and", "or"), ("True", "False"), ("is not", "is"))
"""What is easily taken for each other."""
_TOKEN = re.compile(r"<=|>=|==|!=|(?<=\s)[-+<>](?=\s)|\b(?:and|or|True|False|is not|is|\d{1,4})\b")


def mistaken(change: FileChange, rng: Random) -> TextFile | None:
    """The file after a plausible but wrong attempt; `None` when none can be thought of.

    A near miss has the solution with one fault in a line that it changes. A wrong guess has the repository's file
    with one change beside the fault, in the same function. Both differ from the repository and from the solution.
    """
    before, after = change.before, change.after
    edits = edits_or_none(before, after) if before is not None else None
    if before is None or not edits or not change.path.endswith(".py"):
        return None
    near = [file for edit in _moved(edits) for file in _near_misses(after, edit)]
    guesses = [file for edit in edits for file in _guesses(before, edit)]
    first, second = (near, guesses) if rng.random() < _NEAR_MISS_SHARE else (guesses, near)
    for kind in (first, second):
        rng.shuffle(kind)
        for file in kind:
            if file.lines not in (before.lines, after.lines) and _parses(file):
                return file
    return None


def _moved(edits: tuple[LineEdit, ...]) -> tuple[LineEdit, ...]:
    """The same edits where their text stands in the changed file."""
    shift, moved = 0, []
    for edit in reversed(edits):
        line = edit.line + shift
        moved.append(LineEdit(line, line + len(edit.new) - 1, edit.new))
        shift += len(edit.new) - (edit.end - edit.line + 1)
    return tuple(moved)


def _near_misses(after: TextFile, edit: LineEdit) -> list[TextFile]:
    numbers = set(range(edit.line, edit.end + 1))
    found = [
        file
        for function in _functions(after)
        if numbers & _lines(function)
        for file in _faulty(after, function, numbers)
    ]
    for number in sorted(numbers):
        line = after.lines[number - 1]
        for token in _TOKEN.finditer(line):
            for other in _taken_for(token.group()):
                found.append(_with_line(after, number, line[: token.start()] + other + line[token.end() :]))
    return list(dict.fromkeys(found))


def _guesses(before: TextFile, edit: LineEdit) -> list[TextFile]:
    function = next((f for f in _functions(before) if {edit.line, edit.end} <= _lines(f)), None)
    if function is None:
        return []
    around = set(range(edit.line - _NEIGHBOURHOOD, edit.end + _NEIGHBOURHOOD + 1))
    return _faulty(before, function, around - set(range(edit.line, edit.end + 1)))


def _functions(file: TextFile) -> list[Definition]:
    return [d for d in definitions(file.text) if not d.header.startswith("class ")]


def _faulty(file: TextFile, function: Definition, numbers: set[int]) -> list[TextFile]:
    """Every version of a file with a single-line fault of a function in one of the lines."""
    block = file.lines[function.start - 1 : function.end]
    margin = block[0][: len(block[0]) - len(block[0].lstrip())]
    source = ("\n".join(line.removeprefix(margin) for line in block) + "\n").encode()
    try:
        faults = mutations("", source)
    except ValueError:  # text that stands further left than its function: no mistake is made there
        return []
    found = []
    for fault in faults:
        number = function.start + fault.line - 1
        if fault.one_line and number in numbers:
            line = fault.apply(source).decode().split("\n")[fault.line - 1]
            found.append(_with_line(file, number, margin + line))
    return found


def _taken_for(token: str) -> list[str]:
    if token.isdigit():
        return [str(int(token) + 1), str(int(token) - 1)]
    return [other for group in _SWAPS if token in group for other in group if other != token]


def _lines(function: Definition) -> set[int]:
    return set(range(function.start, function.end + 1))


def _with_line(file: TextFile, number: int, text: str) -> TextFile:
    return replace(file, lines=(*file.lines[: number - 1], text, *file.lines[number:]))


def _parses(file: TextFile) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parse(file.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
