"""Which line of which file stands on a row of a step: of its diff, and of the window into a file that it looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from journeyman.envs.episode import Step
from journeyman.envs.feedback.entry import Place
from journeyman.envs.feedback.places import quote_of

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_HEAD = re.compile(r"(---|\+\+\+) (?:[ab]/)?([^\t]+)")
_WINDOW = re.compile(r"(.+):\d+-\d+")
_NUMBERED = re.compile(r"(\d{1,9})\|(.*)", re.S)

Part = Literal["diff", "seen"]
"""Of a step: what it changed, or what its policy saw."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that shows a line of a file. One of them may have no number: a line that came, or one that went."""

    path: str
    old: int | None
    new: int | None
    text: str


def rows_of(step: Step, part: Part) -> tuple[Row | None, ...]:
    """What each row of a part shows; None for one that shows no line of a file."""
    if part == "diff":
        return tuple(_of_diff(step.diff)) if step.diff else ()
    if step.action.tool not in ("view", "edit") or not step.observation.ok:  # what else was seen is anything
        return ()
    if step.observation.text.startswith("\n"):  # which a page would not show, and count its rows without
        return ()
    path = step.action.arguments.get("path")
    return tuple(_of_window(step.observation.text, path if isinstance(path, str) else ""))


MOST_ROWS = 5_000
"""Of a part, whose lines a page lets one choose."""


def as_data(rows: tuple[Row | None, ...]) -> list[Any] | None:
    """The same for a page's script: each row as [path, old, new], the path left out where it is the last one's."""
    if not any(rows):
        return None
    told: list[Any] = []
    path = ""
    for row in rows[:MOST_ROWS]:
        told.append(row and [row.path if row.path != path else 0, row.old or 0, row.new or 0])
        path = row.path if row else path
    return told


def found(step: Step, place: Place) -> tuple[Part, int, str] | None:
    """Where a step shows the lines of a place: the part, the last line's row (from 0), and what a comment quotes."""
    if place.line is None:
        return None
    wanted = range(place.line, (place.end or place.line) + 1)
    parts: tuple[Part, ...] = ("diff", "seen")
    for part in parts:
        there: dict[int, tuple[int, str]] = {}
        for number, row in enumerate(rows_of(step, part)):
            if row is not None and row.path == place.path:
                line = row.new if place.side == "new" else row.old
                if line is not None and line in wanted:
                    there[line] = (number, row.text)
        if place.line in there and (place.end or place.line) in there:
            shown = {line: text for line, (_, text) in there.items()}
            return part, there[wanted[-1]][0], quote_of(shown, place.line, wanted[-1])
    return None


def _of_diff(diff: str) -> Iterator[Row | None]:
    """Rows are counted by what the hunks' heads say, so that a line like `--- x` is not taken for a file's name."""
    path, old, new, olds, news = "", 0, 0, 0, 0
    for text in diff.removesuffix("\n").split("\n"):
        sign = text[:1]
        if sign == "-" and olds:
            yield Row(path, old, None, _clean(text[1:]))
            old, olds = old + 1, olds - 1
        elif sign == "+" and news:
            yield Row(path, None, new, _clean(text[1:]))
            new, news = new + 1, news - 1
        elif sign in ("", " ") and olds and news:
            yield Row(path, old, new, _clean(text[1:]))
            old, new, olds, news = old + 1, new + 1, olds - 1, news - 1
        else:
            if not olds and not news and (hunk := _HUNK.match(text)):
                old, new = int(hunk[1]), int(hunk[3])
                olds, news = (int(count) if count else 1 for count in (hunk[2], hunk[4]))
            elif not olds and not news and (head := _HEAD.fullmatch(text)) and head[2] != "/dev/null":
                path = _clean(head[2])
            yield None


def _of_window(text: str, path: str) -> Iterator[Row | None]:
    for row in text.split("\n"):
        if numbered := _NUMBERED.fullmatch(row):
            number = int(numbered[1])
            yield Row(_clean(path), number, number, _clean(numbered[2])) if path and number else None
        else:
            if window := _WINDOW.match(row):
                path = window[1]
            yield None


def _clean(text: str) -> str:
    """Without the halves of surrogate pairs, which no line of feedback can hold."""
    return text.encode("utf-8", "replace").decode()
