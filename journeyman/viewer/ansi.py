"""A terminal's output as a page shows it: colours and weights as the program asked, whatever else it asked spelled out.

Only SGR sequences (`ESC [ … m`) are understood. They choose among a few classes of the style sheet, whose colours can
be read on the page's ground: no program can hide a text, move it or link it anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

from journeyman.terminal import visible

_SGR = re.compile(r"\x1b\[([0-9;:]{0,100})m")
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_WEIGHTS = {1: "bold", 3: "italic", 4: "under", 7: "inverse"}
_ENDS = {22: "bold", 23: "italic", 24: "under", 27: "inverse"}


def ansi(text: str) -> Markup:
    """The text, escaped, in spans of the classes `t-bold`, `t-red`, …"""
    if "\x1b" not in text:
        return escape(visible(text))
    return Markup("").join(_spans(text))


def _spans(text: str) -> Iterator[Markup]:
    colour, weights, at = "", set[str](), 0
    for found in [*_SGR.finditer(text), None]:
        part = visible(text[at : found.start() if found else len(text)])
        classes = " ".join(f"t-{name}" for name in (*sorted(weights), colour) if name)
        if part:
            yield Markup('<span class="{}">{}</span>').format(classes, part) if classes else escape(part)
        if found:
            colour = _turned(found[1], colour, weights)
            at = found.end()


def _turned(codes: str, colour: str, weights: set[str]) -> str:
    """The colour after a sequence; `weights` is changed in place."""
    numbers = [int(code or 0) for code in re.split("[;:]", codes)]
    while numbers:
        number = numbers.pop(0)
        if number == 0:
            colour = ""
            weights.clear()
        elif number in _WEIGHTS:
            weights.add(_WEIGHTS[number])
        elif number in _ENDS:
            weights.discard(_ENDS[number])
        elif number == 39:
            colour = ""
        elif 30 <= number <= 37 or 90 <= number <= 97:
            colour = _COLOURS[number % 10]
        elif number in (38, 48):
            chosen = _of_many(numbers)
            colour = chosen if number == 38 else colour
    return colour


def _of_many(numbers: list[int]) -> str:
    """The nearest of the eight to one of 256 or of 16 million colours; takes its numbers off the list."""
    kind = numbers.pop(0) if numbers else 0
    count = {5: 1, 2: 3}.get(kind, 0)
    values, numbers[:] = numbers[:count], numbers[count:]
    if len(values) < count or not count:
        return ""
    if kind == 5:
        value = values[0]
        if value < 16:
            return _COLOURS[value % 8]
        if not value < 232:
            return ""
        value -= 16
        values = [value // 36 * 51, value // 6 % 6 * 51, value % 6 * 51]
    bits = sum(1 << place for place, value in enumerate(values) if value >= max(96, max(values) // 2))
    return _COLOURS[bits]
