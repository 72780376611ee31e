"""Reading files that anybody may have written: bounded, and whatever is wrong is one clear line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

MAX_BYTES = 256 * 1024**2
"""Of one file, and of what one archive holds."""
MAX_DEPTH = 100
"""Of values within values: no trajectory needs a tenth of it."""
T = TypeVar("T")


class TrajectoryError(ValueError):
    """A file is not the trajectory that it should be; the message says what is wrong with it."""


def read_file(path: Path) -> bytes:
    """
    Raises:
        TrajectoryError: it cannot be read, or is larger than `MAX_BYTES`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise TrajectoryError(f"cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise TrajectoryError(f"larger than {MAX_BYTES // 1024**2} MiB")
    return data


def parse_json(data: bytes | str) -> Any:
    """
    Raises:
        TrajectoryError: it is no JSON, or nested too deeply.
    """
    try:
        value = json.loads(data)
    except RecursionError as error:
        raise TrajectoryError("nested too deeply") from error
    except ValueError as error:  # also bytes that are no UTF-8, and integers of thousands of digits
        raise TrajectoryError(f"not JSON: {error}"[:200]) from error
    if _is_deep(value):
        raise TrajectoryError("nested too deeply")
    return value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def parse_documents(data: bytes) -> list[Any]:
    """The JSON value of a file, or the values of its lines.

    Raises:
        TrajectoryError: it is neither.
    """
    try:
        return [parse_json(data)]
    except TrajectoryError as whole:
        rows = [row for row in data.split(b"\n") if row.strip()]
        if len(rows) < 2:
            raise
        try:
            return [parse_json(row) for row in rows]
        except TrajectoryError:
            raise whole from None


def need(data: Any, name: str, kind: type[T]) -> T:
    """A field that must be there, of its type.

    Raises:
        TrajectoryError: it is not.
    """
    value = may(data, name, kind)
    if value is None:
        raise TrajectoryError(f"{name!r} is missing")
    return value


def may(data: Any, name: str, kind: type[T]) -> T | None:
    """A field that may be missing or null; else it is of its type. Raises as `need` does."""
    if not isinstance(data, dict):
        raise TrajectoryError(f"an object with {name!r} was expected, not a {type(data).__name__}")
    value = data.get(name)
    if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        raise TrajectoryError(f"{name!r} should be a {kind.__name__}, not a {type(value).__name__}")
    return value


def objects(values: list[Any], what: str) -> Iterator[dict[str, Any]]:
    """The items of a list that must all be objects. Raises as `need` does."""
    for value in values:
        if not isinstance(value, dict):
            raise TrajectoryError(f"{what} should be objects, not a {type(value).__name__}")
        yield value


def text_of(content: Any, lost: set[str]) -> str:
    """The text of a message: a string, or the text parts of a list; other parts are noted as lost."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        raise TrajectoryError(f"a message should be a text or a list of parts, not a {type(content).__name__}")
    texts = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif isinstance(part, dict) and isinstance(part.get("reasoning"), str):
            texts.append(part["reasoning"])
        else:
            lost.add("parts of messages that are no text (images, audio)")
    return "\n".join(texts)


def arguments_of(value: Any) -> dict[str, Any]:
    """Arguments of a call: an object, or JSON text of one; what is neither stays, under "input"."""
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except TrajectoryError:
            return {"input": value}
    return value if isinstance(value, dict) else {} if value is None else {"input": value}


def seconds_of(moment: Any) -> float | None:
    """Seconds since the epoch of a moment in ISO 8601 or in seconds; None for anything else."""
    if isinstance(moment, int | float) and not isinstance(moment, bool) and 0 < moment < 1e11:
        return float(moment)
    try:
        return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()
    except (AttributeError, ValueError, OverflowError, OSError):
        return None
