"""Text → table."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from csvscout.dialect import guess_delimiter
from csvscout.headers import unique_names
from csvscout.kinds import convert_column


class TableError(ValueError):
    """The text is no table."""


@dataclass(frozen=True)
class Table:
    columns: list[str]
    rows: list[dict[str, Any]]

    def column(self, name: str) -> list[Any]:
        """The values of one column.

        Raises:
            KeyError: there is no such column.
        """
        if name not in self.columns:
            raise KeyError(f"no column {name!r}; there are: {', '.join(self.columns)}")
        return [row[name] for row in self.rows]


def read_table(text: str, *, delimiter: str | None = None) -> Table:
    """Read a CSV text whose first line is the header. Short rows are filled up with empty cells.

    Raises:
        TableError: there is no header, or a row has more cells than the header.
    """
    text = text.removeprefix("\ufeff")
    lines = csv.reader(io.StringIO(text), delimiter=delimiter or guess_delimiter(text))
    rows = [row for row in lines if any(cell.strip() for cell in row)]
    if not rows:
        raise TableError("the text is empty; expected a header line")
    columns = unique_names(rows[0])
    for number, row in enumerate(rows[1:], start=1):
        if len(row) > len(columns):
            raise TableError(f"row {number} has {len(row)} cells, the header only {len(columns)}")
        row += [""] * (len(columns) - len(row))
    converted = [convert_column([row[index] for row in rows[1:]]) for index in range(len(columns))]
    return Table(columns, [dict(zip(columns, values)) for values in zip(*converted)])
