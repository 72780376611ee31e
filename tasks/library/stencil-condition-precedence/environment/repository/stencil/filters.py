"""What may stand after a `|`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stencil.errors import TemplateError

FILTERS: dict[str, Callable[[Any], Any]] = {
    "upper": lambda value: str(value).upper(),
    "lower": lambda value: str(value).lower(),
    "title": lambda value: str(value).title(),
    "trim": lambda value: str(value).strip(),
    "length": len,
    "join": lambda value: ", ".join(str(item) for item in value),
}


def get_filter(name: str) -> Callable[[Any], Any]:
    """Raises TemplateError for a name that is no filter."""
    try:
        return FILTERS[name]
    except KeyError:
        raise TemplateError(f"no filter {name!r}; there are: {', '.join(sorted(FILTERS))}") from None
