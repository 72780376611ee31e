"""Alignment of columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from gridmark.width import display_width

MIN_WIDTH = 3


class Align(Enum):
    NONE = "none"
    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


def parse_separator(cells: Sequence[str]) -> list[Align] | None:
    """The alignments that the cells of a table's second line say, or None if they are no such line."""
    if all(re.fullmatch("-+", cell) for cell in cells):
        return [Align.NONE] * len(cells)
    return None


def separator(align: Align, width: int) -> str:
    """A cell of the second line, `width` wide."""
    return "-" * width


def pad(text: str, width: int, align: Align) -> str:
    """The text with spaces around it, `width` wide; a text that is wider stays as it is."""
    return text + " " * (width - display_width(text))
