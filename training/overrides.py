"""Settings by name, as users write them: `state_share=0`, `hybrid.cost=0.1`, `hybrid=none`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from journeyman.training.checkpoint import TrainingError

T = TypeVar("T")


def with_changes(settings: T, changes: Sequence[str]) -> T:
    """Settings (a frozen dataclass, which may hold others) with some of them changed.

    Args:
        changes: each NAME=VALUE; a part of a part has a dot in its name.

    Raises:
        TrainingError: there is no such setting, or it takes no such value; one line.
    """
    values = asdict(settings)  # type: ignore[call-overload]
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise TrainingError(f"{change!r}: write NAME=VALUE, such as state_share=0")
        *path, last = name.split(".")
        place, said = values, settings
        for part in path:
            place, said = _inside(place, said, part, name)
        if last not in place:
            raise TrainingError(f"no setting {name!r}; there are: {', '.join(_names(said, path))}")
        place[last] = None if value.lower() == "none" else value
    try:
        return TypeAdapter(type(settings)).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TrainingError(f"{where or 'settings'}: {first['msg']} (given {first['input']!r})") from error


def _inside(place: Any, said: Any, part: str, name: str) -> tuple[dict[str, Any], Any]:
    if not isinstance(place.get(part), dict):
        raise TrainingError(f"no setting {name!r}: {part} holds no others" + (" now" if part in place else ""))
    return place[part], getattr(said, part)


def _names(settings: Any, path: Sequence[str]) -> list[str]:
    prefix = "".join(f"{part}." for part in path)
    return [f"{prefix}{field.name}" for field in fields(settings)] if is_dataclass(settings) else []
