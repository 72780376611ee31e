"""Select, sort, align by content. Tables are never changed; each function returns a new one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from gridmark.align import Align
from gridmark.errors import ColumnError
from gridmark.table import Table

_NUMBER = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?%?")


def select(table: Table, names: Iterable[str]) -> Table:
    chosen = [_find(table, name) for name in names]
    return Table(
        header=tuple(table.header[index] for index in chosen),
        aligns=tuple(table.aligns[index] for index in chosen),
        rows=tuple(tuple(row[index] for index in chosen) for row in table.rows),
    )


def sort_by(table: Table, name: str, *, reverse: bool = False) -> Table:
    index = _find(table, name)
    filled = [row for row in table.rows if row[index]]
    empty = [row for row in table.rows if not row[index]]
    filled.sort(key=lambda row: _sort_key(row[index]), reverse=reverse)
    return replace(table, rows=(*filled, *empty))


def align_numbers(table: Table) -> Table:
    aligns = list(table.aligns)
    for index, align in enumerate(aligns):
        cells = [row[index] for row in table.rows if row[index]]
        if align is Align.NONE and cells and all(_NUMBER.fullmatch(cell) for cell in cells):
            aligns[index] = Align.RIGHT
    return replace(table, aligns=tuple(aligns))


def _find(table: Table, name: str) -> int:
    found = [index for index, title in enumerate(table.header) if title == name]
    if len(found) != 1:
        what = "no column" if not found else "more than one column"
        raise ColumnError(f"{what} {name!r}; there are: {', '.join(table.header)}")
    return found[0]


def _sort_key(cell: str) -> tuple[int, Decimal, str]:
    """Numbers by value, then texts without regard to case."""
    if _NUMBER.fullmatch(cell):
        return 0, Decimal(cell.rstrip("%").replace(",", "")), ""
    return 1, Decimal(0), cell.casefold()
