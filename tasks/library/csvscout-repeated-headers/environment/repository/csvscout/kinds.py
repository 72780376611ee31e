"""What a column holds, judged by all of its cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?")
_BOOLS = {"true": True, "yes": True, "false": False, "no": False}


def _bool(cell: str) -> bool:
    try:
        return _BOOLS[cell.lower()]
    except KeyError:
        raise ValueError(cell) from None


def _int(cell: str) -> int:
    return int(_number(cell))


def _float(cell: str) -> float:
    return float(_number(cell))


def _number(cell: str) -> str:
    """The cell, if it is a plain number; a leading zero makes it a code (a postcode, an article number) instead."""
    if not _NUMBER.fullmatch(cell):
        raise ValueError(cell)
    return cell


KINDS: tuple[Callable[[str], Any], ...] = (_int, _float, date.fromisoformat, _bool)


def convert_column(cells: Sequence[str]) -> list[Any]:
    """The cells in the first kind that fits all that are not empty; empty ones are None."""
    texts = [cell.strip() for cell in cells]
    for kind in KINDS:
        try:
            converted = [kind(text) if text else None for text in texts]
        except ValueError:
            continue
        return converted
    return [text or None for text in texts]
