"""A line ↔ its cells."""

from __future__ import annotations

from collections.abc import Iterable


def has_pipe(line: str) -> bool:
    """Whether a pipe separates cells somewhere in the line."""
    return "|" in line


def split_row(line: str) -> list[str]:
    """The cells of a line, stripped; a pipe at the beginning and one at the end are only decoration."""
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def escape(text: str) -> str:
    """A cell's text as it is written in a line."""
    return text


def join_row(cells: Iterable[str]) -> str:
    """A line of cells that are escaped and padded already."""
    return f"| {' | '.join(cells)} |"
