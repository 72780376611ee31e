"""Plausible wrong versions of a solution's file: nearly the right line, or a change in the line next door."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from journeyman.envs.tools.syntax import definitions
from journeyman.envs.tools.textfile import TextFile
from journeyman.policies.edits import FileChange, LineEdit, edits_or_none
from journeyman.tasks.sources.operators.registry import mutations

_NEIGHBOURHOOD = 4
"""Lines above and below the fault in which a wrong guess falls."""
_NEAR_MISS_SHARE = 0.7
"""How often a mistake is nearly the right line (when both kinds can be had)."""


def mistaken(change: FileChange, rng: Random) -> TextFile | None:
    """The file after a plausible but wrong attempt; `None` when no single fault can be thought of.

    A near miss has the solution with one fault in a line that it changes. A wrong guess has the repository's file
    with one change beside the fault. Both differ from the repository and from the solution.
    """
    before, after = change.before, change.after
    edits = edits_or_none(before, after) if before is not None else None
    if before is None or not edits or not change.path.endswith(".py"):
        return None
    near = [file for edit in _moved(edits) for file in _faulty(change.path, after, _written(edit))]
    guesses = [file for edit in edits for file in _faulty(change.path, before, _beside(edit))]
    kinds = [[file for file in kind if file not in (before, after)] for kind in (near, guesses)]
    chosen = kinds[0] if kinds[0] and (not kinds[1] or rng.random() < _NEAR_MISS_SHARE) else kinds[1]
    return rng.choice(chosen) if chosen else None


def _moved(edits: tuple[LineEdit, ...]) -> tuple[LineEdit, ...]:
    """The same edits with the line numbers that their text has in the changed file."""
    shift, moved = 0, []
    for edit in reversed(edits):
        moved.append(LineEdit(edit.line + shift, edit.end + shift, edit.new))
        shift += len(edit.new) - (edit.end - edit.line + 1)
    return tuple(moved)


def _written(edit: LineEdit) -> set[int]:
    return set(range(edit.line, edit.line + len(edit.new)))


def _beside(edit: LineEdit) -> set[int]:
    around = set(range(edit.line - _NEIGHBOURHOOD, edit.end + _NEIGHBOURHOOD + 1))
    return around - set(range(edit.line, edit.end + 1))


def _faulty(path: str, file: TextFile, lines: set[int]) -> list[TextFile]:
    """Every version of a file with a single-line fault in one of the lines, inside the functions that hold them."""
    found: list[TextFile] = []
    for function in definitions(file.text):
        if not function.header.startswith(("def ", "async def ")) or not lines & _range(function.start, function.end):
            continue
        block = file.lines[function.start - 1 : function.end]
        margin = block[0][: len(block[0]) - len(block[0].lstrip())]
        source = "\n".join(line.removeprefix(margin) for line in block) + "\n"
        try:
            faults = mutations(path, source.encode())
        except ValueError:  # text that stands further left than its function: no mistake is made there
            continue
        for fault in faults:
            number = function.start + fault.line - 1
            if fault.one_line and number in lines:
                changed = fault.apply(source.encode()).decode().split("\n")[fault.line - 1]
                found.append(_with_line(file, number, margin + changed))
    return list(dict.fromkeys(found))


def _range(start: int, end: int) -> set[int]:
    return set(range(start, end + 1))


def _with_line(file: TextFile, number: int, text: str) -> TextFile:
    return replace(file, lines=(*file.lines[: number - 1], text, *file.lines[number:]))
