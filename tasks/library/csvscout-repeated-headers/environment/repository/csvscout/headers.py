"""Clean, unique column names."""

from __future__ import annotations

import re
from collections.abc import Iterable


def clean_name(text: str) -> str:
    """Lower case, words joined by underscores: " Unit price (EUR)" → "unit_price_eur"; "column" when nothing is left."""
    return re.sub(r"\W+", "_", text.strip().lower()).strip("_") or "column"


def unique_names(header: Iterable[str], taken: set[str] = set()) -> list[str]:
    """Clean names for a header row; one that is `taken` or comes again gets a number: price, price_2, price_3."""
    names: list[str] = []
    for text in header:
        base = name = clean_name(text)
        number = 1
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        names.append(name)
    return names
