"""Text ↔ table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gridmark.align import MIN_WIDTH, Align, pad, parse_separator, separator
from gridmark.cells import escape, join_row, split_row
from gridmark.errors import TableError
from gridmark.width import display_width


@dataclass(frozen=True)
class Table:
    """Cells hold their text as it is meant, without escapes."""

    header: tuple[str, ...]
    aligns: tuple[Align, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    """Each as long as the header."""


def parse_table(text: str) -> Table:
    """Read a table: header, separator, rows. Short rows are filled up with empty cells, long ones are cut.

    Raises:
        TableError: the second line is no separator, or not as long as the header.
    """
    return parse_lines(text.strip().splitlines())


def parse_lines(lines: Sequence[str]) -> Table:
    """As `parse_table`, of lines without their endings."""
    if len(lines) < 2:
        raise TableError("a table has at least a header and a separator line")
    header = split_row(lines[0])
    aligns = parse_separator(split_row(lines[1]))
    if aligns is None:
        raise TableError(f"no separator line: {lines[1]!r}")
    if len(aligns) != len(header):
        raise TableError(f"the header has {len(header)} cells, the separator {len(aligns)}")
    rows = tuple(_fit(split_row(line), len(header)) for line in lines[2:])
    return Table(tuple(header), tuple(aligns), rows)


def _fit(cells: Sequence[str], length: int) -> tuple[str, ...]:
    return tuple([*cells, *[""] * (length - len(cells))][:length])


def render_table(table: Table) -> str:
    """Write a table, its columns as wide as their widest cell; without a newline at the end."""
    lines = [[escape(cell) for cell in row] for row in (table.header, *table.rows)]
    widths = [max(MIN_WIDTH, *map(display_width, column)) for column in zip(*lines)]
    padded = [join_row(map(pad, line, widths, table.aligns)) for line in lines]
    return "\n".join([padded[0], join_row(map(separator, table.aligns, widths)), *padded[1:]])
