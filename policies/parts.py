"""Which part of a solution belongs to which milestone, by what the milestone's text speaks of."""

from __future__ import annotations

import re

from journeyman.envs.tools.syntax import Definition, definitions
from journeyman.envs.tools.textfile import TextFile
from journeyman.policies.edits import FileChange, LineEdit, applied, edits_or_none
from journeyman.tasks.task import Milestone, Task

_FILE_SCORE = 3
"""What a file's name or path is worth, in names of functions."""


def function_around(known: list[Definition], edit: LineEdit) -> Definition | None:
    """The outermost function (a method by its class) that holds all of an edit, else the innermost class."""
    around = [d for d in known if d.start <= edit.line and edit.end <= d.end]
    functions = [d for d in around if not d.header.startswith("class ")]
    return functions[0] if functions else around[-1] if around else None


def parts_of(task: Task, changes: tuple[FileChange, ...]) -> list[list[FileChange]]:
    """The changes of each milestone, in an order in which they can be built; one part for a task without milestones.

    A file that several milestones speak of is brought to its end in several steps.
    """
    milestones = list(task.in_order())
    if not milestones:
        return [list(changes)]
    parts: list[list[FileChange]] = [[] for _ in milestones]
    for change in changes:
        for number, step in _steps(milestones, change):
            parts[number].append(step)
    return [part for part in parts if part]


def _steps(milestones: list[Milestone], change: FileChange) -> list[tuple[int, FileChange]]:
    """One file's changes by the number of their milestone."""
    edits = edits_or_none(change.before, change.after) if change.before is not None else None
    if change.before is None or not edits:
        names = {d.name.rsplit(".", 1)[-1] for d in definitions(change.after.text)}
        return [(_about(milestones, change.path, names), change)]
    known = definitions(change.before.text)
    owners = {edit: _about(milestones, change.path, _names(known, edit)) for edit in edits}
    steps, state = [], change.before
    for number in sorted(set(owners.values())):
        after: TextFile = applied(change.before, [edit for edit in edits if owners[edit] <= number])
        steps.append((number, FileChange(change.path, state, after)))
        state = after
    return steps


def _names(known: list[Definition], edit: LineEdit) -> set[str]:
    around = function_around(known, edit)
    written = re.findall(r"^\s*(?:async def|def|class) (\w+)", "\n".join(edit.new), re.MULTILINE)
    return {*written, *(around.name.split(".") if around else ())}


def _about(milestones: list[Milestone], path: str, names: set[str]) -> int:
    """The number of the milestone that speaks most of a file and of names; the first of equals."""
    stem = path.rsplit("/", 1)[-1].partition(".")[0]
    scores = []
    for milestone in milestones:
        text = f"{milestone.name} {milestone.title} {milestone.instruction}"
        words = set(re.findall(r"\w+", text))
        scores.append(len(names & words) + _FILE_SCORE * ((stem in words) + (path in text)))
    return scores.index(max(scores))
