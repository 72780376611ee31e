"""What strict JSON can say: no half surrogate pair, no infinity. An episode may hold both, for a policy wrote it."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any


def strict_text(text: str) -> str:
    """The text with "?" for each half of a surrogate pair, which no UTF-8 can write."""
    return text.encode("utf-8", "replace").decode()


def strict_value(value: Any) -> Any:
    """A JSON value with `strict_text` for its texts and null for numbers that are none."""
    if isinstance(value, str):
        return strict_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {strict_text(str(key)): strict_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict_value(item) for item in value]
    return value


def is_strict(value: Any) -> bool:
    """Whether strict JSON holds the value as it is."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:  # UnicodeEncodeError is one
        return False
    return True


def to_base64(value: Any) -> str:
    """A value that is not strict, in full."""
    return base64.b64encode(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")).decode()


def from_base64(text: str) -> Any:
    """The inverse of `to_base64`.

    Raises:
        ValueError: it is not one of ours.
    """
    return json.loads(base64.b64decode(text, validate=True).decode("utf-8", "surrogatepass"))
