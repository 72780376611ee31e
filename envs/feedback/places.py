"""Whether the lines are where a comment says that they are: its quote against what the file held, by the record.

An episode keeps no files, but each step's diff and what the policy was shown of a file. From these it is put together
what is known of a file at each moment; where nothing is known of a line, nothing is said against it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from journeyman.envs.episode import Step
from journeyman.envs.feedback.entry import Place
from journeyman.envs.text import clean

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_SHOWN = re.compile(r"(?m)^(.+):\d+-\d+(?: of \d+)?$")
"""The head of what `view` shows: `path:3-9 of 20`."""
_NUMBERED = re.compile(r"(\d+)\|(.*)")

Lines = dict[int, str]
"""What is known of a file, by line from 1, each as people saw it (`_seen`)."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """One hunk of a diff."""

    old: int
    """Its first line before; lines of it that are gone or stay have numbers from here."""
    old_count: int
    new: int
    new_count: int
    before: Lines
    after: Lines

    @property
    def undone(self) -> Hunk:
        return Hunk(self.new, self.new_count, self.old, self.old_count, self.after, self.before)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a step did to a file."""

    hunks: tuple[Hunk, ...] = ()
    opaque: bool = False
    """It may have changed in a way that the record does not show."""
    made: bool = False
    gone: bool = False

    @property
    def nothing(self) -> bool:
        return not (self.hunks or self.opaque or self.made or self.gone)

    @property
    def undone(self) -> Turn:
        """What would take it back."""
        return Turn(tuple(hunk.undone for hunk in self.hunks), self.opaque, made=self.gone, gone=self.made)


@dataclass(slots=True)
class Known:
    """What is known of a file at one moment."""

    lines: Lines = field(default_factory=dict)
    there: bool | None = None
    """None where it is not known."""
    count: int | None = None
    """Lines of the whole file, where all are known."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Lines are not where they were said to be."""

    why: str
    place: Place | None = None
    """Where they are, if they stand in exactly one place of what is known."""


def moved(files: Files, place: Place) -> Moved | None:
    """What the record says against a place; None where it bears it out, or cannot tell.

    The place's step must be one of the record's.
    """
    if place.line is None:
        return None
    step = len(files.steps) if place.step is None else place.step
    moment = step if place.side == "new" else (0 if place.step is None else step - 1)
    path = place.path.removeprefix("./")
    known = files.at(path, moment)
    if known.there is False:
        return Moved(f"there is no {path} {_when(moment)}")
    quote = _quoted(place)
    count = (place.end or place.line) - place.line + 1
    at = range(place.line, place.line + min(len(quote), count))
    over = known.count is not None and place.line > known.count
    if not over and all(known.lines.get(n, said) == said for n, said in zip(at, quote, strict=False)):
        return None
    if over and not quote:
        return Moved(f"{path} has {known.count} lines {_when(moment)}")
    found = [n for n in known.lines if all(known.lines.get(n + i) == said for i, said in enumerate(quote))]
    if len(found) != 1:
        many = f"in {len(found)} other places" if found else "nowhere that the record shows"
        return Moved(f"line {place.line} of {path} is another {_when(moment)}; what was quoted stands {many}")
    end = None if place.end is None else found[0] + count - 1
    there = place.model_copy(update={"line": found[0], "end": end})
    return Moved(f"what was quoted of {path} stands at line {found[0]} {_when(moment)}", there)


def quote_of(lines: Mapping[int, str], first: int, end: int) -> str:
    """What a comment on lines quotes of those that are shown: the first and what follows it without a gap. `moved`
    compares line by line, and would find what stands after a gap in the wrong place."""
    return "\n".join(lines[number] for number in takewhile(lines.__contains__, range(first, end + 1)))


def _when(moment: int) -> str:
    return f"after step {moment}" if moment else "before the first step"


def _quoted(place: Place) -> list[str]:
    return list(map(_seen, place.quote.removesuffix("\n").split("\n"))) if place.quote.strip() else []


def _seen(line: str) -> str:
    """A line as people saw it, without what stands invisibly at its end."""
    return clean(line).rstrip()


class Files:
    """What the record of an episode tells of its files; of each worked out once, when it is first asked for."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        self._courses: dict[str, tuple[list[Known], list[Known]]] = {}

    def at(self, path: str, moment: int) -> Known:
        """What is told of a file after so many steps: what came before, carried on, and what came later, back."""
        if path not in self._courses:
            self._courses[path] = self._course(path)
        known, later = (course[moment] for course in self._courses[path])
        return Known(
            later.lines | known.lines,
            later.there if known.there is None else known.there,
            later.count if known.count is None else known.count,
        )

    def _course(self, path: str) -> tuple[list[Known], list[Known]]:
        """At each moment: what the steps before it tell, and what the later ones do."""
        turns = [turn_of(step.diff, path) for step in self.steps]
        known, before = Known(), [Known()]
        for step, turn in zip(self.steps, turns, strict=True):
            _follow(known, turn)
            _look(known, step, path)
            before.append(replace(known))
        later, after = Known(), [Known()]
        for step, turn in zip(reversed(self.steps), reversed(turns), strict=True):
            _look(later, step, path)
            _follow(later, turn.undone)
            after.append(replace(later))
        return before, after[::-1]


def _look(known: Known, step: Step, path: str) -> None:
    """Add what a step's own action shows of a file as it is after it."""
    if not step.observation.ok:
        return
    arguments = step.action.arguments
    if step.action.tool == "view" and (shown := dict(_shown(step.output or step.observation.text, path))):
        known.lines, known.there = shown | known.lines, True
    content = arguments.get("content")
    if step.action.tool == "write" and isinstance(content, str) and _named(arguments) == path:
        lines = content.removesuffix("\n").split("\n") if content else []
        known.lines, known.there, known.count = dict(enumerate(map(_seen, lines), 1)), True, len(lines)


def _named(arguments: Mapping[str, object]) -> str:
    return str(arguments.get("path", "")).removeprefix("./")


def _shown(text: str, path: str) -> Iterator[tuple[int, str]]:
    """The numbered lines below the heads that name the file."""
    here = False
    for row in text.split("\n"):
        if (line := _NUMBERED.fullmatch(row)) is not None:
            if here:
                yield int(line[1]), _seen(line[2])
        elif (head := _SHOWN.fullmatch(row)) is not None:
            here = head[1] == path
        elif not row.startswith("…"):
            here = False


def _follow(known: Known, turn: Turn) -> None:
    """Bring what is known of a file past a change."""
    if turn.nothing:
        return
    if turn.opaque or turn.made or turn.gone:
        known.lines, known.count = {}, None
        known.there = None if turn.opaque else turn.made
    after = _carried(known.lines, turn.hunks)
    for hunk in turn.hunks:
        after |= hunk.after
    known.lines = after
    if turn.made:
        known.count = len(after)
    elif turn.hunks and not turn.gone:
        known.there = True
        if known.count is not None:
            known.count += sum(hunk.new_count - hunk.old_count for hunk in turn.hunks)


def _carried(lines: Lines, hunks: Sequence[Hunk]) -> Lines:
    """Lines under their numbers after a change, but for those of a hunk, which tells itself what stands there.

    Of an empty side the number is that of the line before it.
    """
    left = deque(hunks)
    carried: Lines = {}
    shift = end = 0
    for n in sorted(lines):
        while left and n >= left[0].old + (not left[0].old_count):
            hunk = left.popleft()
            shift, end = shift + hunk.new_count - hunk.old_count, hunk.old + hunk.old_count
        if n >= end:
            carried[n + shift] = lines[n]
    return carried


def turn_of(diff: str, path: str) -> Turn:
    """What a step's diff says of one file."""
    if path not in diff and "more files, changed or not" not in diff:
        return Turn()
    rows = diff.split("\n")
    number = 0
    while number < len(rows):
        if (head := _HUNK.match(rows[number])) is not None:
            # What looks like a file's head within a hunk is a line of it, which an agent may have written.
            number = _read(rows, number, head)[1]
            continue
        old, new = rows[number], rows[number + 1] if number + 1 < len(rows) else ""
        number += 1
        if not old.startswith("--- ") or not new.startswith("+++ "):
            continue
        if path not in (old[4:].removeprefix("a/"), new[4:].removeprefix("b/")):
            continue
        below = rows[number + 1 :]
        made, gone = old == "--- /dev/null", new == "+++ /dev/null"
        opaque = bool(below) and below[0].startswith("Binary or large file")
        return Turn(() if opaque else _hunks(below), opaque and not gone, made and not opaque, gone)
    return Turn(opaque=bool(re.search(r"(?m)^and \d+ more files, changed or not$", diff)))


def _hunks(rows: Sequence[str]) -> tuple[Hunk, ...]:
    found, number = [], 0
    while number < len(rows) and (head := _HUNK.match(rows[number])) is not None:
        hunk, number = _read(rows, number, head)
        found.append(hunk)
    return tuple(found)


def _read(rows: Sequence[str], number: int, head: re.Match[str]) -> tuple[Hunk, int]:
    """The hunk whose head stands at a row, and the row after it."""
    old, new = int(head[1]), int(head[3])
    old_count, new_count = int(head[2] or 1), int(head[4] or 1)
    before: Lines = {}
    after: Lines = {}
    number += 1
    while number < len(rows) and (len(before) < old_count or len(after) < new_count or rows[number][:1] == "\\"):
        sign, text = rows[number][:1], _seen(rows[number][1:])
        if sign in ("-", " "):
            before[old + len(before)] = text
        if sign in ("+", " "):
            after[new + len(after)] = text
        if sign not in ("-", "+", " ", "\\"):
            break
        number += 1
    return Hunk(old, old_count, new, new_count, before, after), number
