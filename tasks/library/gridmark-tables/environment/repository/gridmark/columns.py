"""Select, sort, align by content. Tables are never changed; each function returns a new one."""

from __future__ import annotations

from collections.abc import Iterable

from gridmark.table import Table


def select(table: Table, names: Iterable[str]) -> Table:
    raise NotImplementedError


def sort_by(table: Table, name: str, *, reverse: bool = False) -> Table:
    raise NotImplementedError


def align_numbers(table: Table) -> Table:
    raise NotImplementedError
