"""A line ↔ its cells."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PIPE = re.compile(r"(?<!\\)\|")
"""A pipe that separates cells: no backslash stands right before it."""


def has_pipe(line: str) -> bool:
    """Whether a pipe separates cells somewhere in the line."""
    return _PIPE.search(line) is not None


def split_row(line: str) -> list[str]:
    """The cells of a line, stripped; a pipe at the beginning and one at the end are only decoration."""
    cells = _PIPE.split(line.strip().removeprefix("|"))
    if len(cells) > 1 and not cells[-1]:
        cells.pop()
    return [cell.strip().replace(r"\|", "|") for cell in cells]


def escape(text: str) -> str:
    """A cell's text as it is written in a line."""
    return "<br>".join(text.splitlines()).replace("|", r"\|")


def join_row(cells: Iterable[str]) -> str:
    """A line of cells that are escaped and padded already."""
    return f"| {' | '.join(cells)} |"
