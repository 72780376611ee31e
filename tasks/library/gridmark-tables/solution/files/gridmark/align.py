"""Alignment of columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from gridmark.width import display_width

MIN_WIDTH = 3
_SEPARATOR = re.compile(r"(:?)-+(:?)")


class Align(Enum):
    NONE = "none"
    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


_BY_COLONS = {("", ""): Align.NONE, (":", ""): Align.LEFT, (":", ":"): Align.CENTER, ("", ":"): Align.RIGHT}
_COLONS = {align: colons for colons, align in _BY_COLONS.items()}


def parse_separator(cells: Sequence[str]) -> list[Align] | None:
    """The alignments that the cells of a table's second line say, or None if they are no such line."""
    matches = [_SEPARATOR.fullmatch(cell) for cell in cells]
    if not all(matches):
        return None
    return [_BY_COLONS[match[1], match[2]] for match in matches if match]


def separator(align: Align, width: int) -> str:
    """A cell of the second line, `width` wide."""
    left, right = _COLONS[align]
    return left + "-" * (width - len(left) - len(right)) + right


def pad(text: str, width: int, align: Align) -> str:
    """The text with spaces around it, `width` wide; a text that is wider stays as it is."""
    spaces = max(width - display_width(text), 0)
    if align is Align.RIGHT:
        before = spaces
    elif align is Align.CENTER:
        before = spaces // 2
    else:
        before = 0
    return " " * before + text + " " * (spaces - before)
