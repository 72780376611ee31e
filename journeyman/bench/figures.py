"""From single measurements to a row's figures: medians, and ratios to the bare row."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Raw:
    """All that was measured of one row, by name, in the order of the rounds."""

    version: str = ""
    values: dict[str, list[float]] = field(default_factory=dict)
    runners: set[str] = field(default_factory=set)
    trouble: str = ""
    """Why the row is not complete."""

    def add(self, name: str, *values: float | None) -> None:
        found = [value for value in values if value is not None]
        if found:
            self.values.setdefault(name, []).extend(found)


Figures = dict[str, float]
"""A row's medians by name, as `COLUMNS` and the bars use them."""


def figures(raw: Mapping[str, Raw], bare: str) -> dict[str, Figures]:
    """Every row's medians. Ratios are those of medians from the same run."""
    rows = {name: {key: statistics.median(values) for key, values in row.values.items()} for name, row in raw.items()}
    base = rows.get(bare, {})
    for name, row in rows.items():
        if "reset_ms" in row and "close_ms" in row:
            row["reset_close_ms"] = row["reset_ms"] + row["close_ms"]
        _ratio(row, "pytest_ratio", row.get("pytest_ms"), base.get("pytest_ms"))
        _ratio(row, "warm_ratio", row.get("warm_ms"), base.get("pytest_ms"))
        _ratio(row, "files_ratio", row.get("reset_many_ms"), row.get("reset_few_ms"))
        _ratio(row, "cpu_ratio", row.get("cpu_many_s"), row.get("cpu_few_s"))
        if "survivors" in row:
            row["survivors"] = max(raw[name].values["survivors"])  # one in any round is one
    return rows


def _ratio(row: Figures, name: str, value: float | None, base: float | None) -> None:
    if value is not None and base:
        row[name] = value / base


def as_json(raw: Mapping[str, Raw], rows: Mapping[str, Figures]) -> dict[str, Any]:
    return {
        name: {
            "version": row.version,
            "medians": {key: round(value, 4) for key, value in rows[name].items()},
            "measured": {key: [round(value, 4) for value in values] for key, values in row.values.items()},
            "warm_runners": sorted(row.runners),
            "trouble": row.trouble,
        }
        for name, row in raw.items()
    }
