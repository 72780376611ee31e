"""Episodes as records: dataclasses to JSON and back, without loss, long texts put aside as blobs.

The encoding follows the dataclasses' own type hints, so that a field added to the contract is kept at once. A field
that a record lacks takes its default; one that is no longer known is ignored. Two fields of free form (`arguments`,
`config`, whatever is hinted `Any`) hold JSON values and are kept as JSON text.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
import zlib
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, Protocol, TypeVar

from journeyman.envs.episode import Episode, Step

FORMAT = 1
LONG_TEXT = 2000
"""Texts of more characters than this become blobs, so that what repeats is kept once."""
_COMPRESS_ABOVE = 400
_MAX_INFLATED = 1 << 30

Kind = Literal["begin", "step", "end"]
T = TypeVar("T")


class CodecError(ValueError):
    """A value that cannot be recorded, or a record that cannot be read."""


class Texts(Protocol):
    """Where long texts are kept, by content."""

    def put(self, text: str) -> str:
        """Keep a text and return its name."""
        ...

    def get(self, name: str) -> str: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One record, read but not yet decoded."""

    kind: Kind
    episode_id: str
    number: int
    """A step's number from 0; for `end`, how many steps there are; 0 for `begin`."""
    body: dict[str, Any]


def pack_episode(kind: Literal["begin", "end"], episode: Episode, texts: Texts) -> bytes:
    """The record of an episode without its steps."""
    number = len(episode.steps) if kind == "end" else 0
    return _pack(kind, episode.id, number, _encode(Episode, dataclasses.replace(episode, steps=()), texts))


def pack_step(episode_id: str, number: int, step: Step, texts: Texts) -> bytes:
    return _pack("step", episode_id, number, _encode(Step, step, texts))


def unpack(payload: bytes) -> Entry:
    """Read a record.

    Raises:
        CodecError: it is not one of ours, or of a newer format.
    """
    try:
        if payload[:1] != b"{":  # a zlib stream never begins with a brace
            inflater = zlib.decompressobj()
            payload = inflater.decompress(payload, _MAX_INFLATED)
            if not inflater.eof:
                raise CodecError("a record is larger than any that we write")
        data = json.loads(payload)
        if data["format"] != FORMAT:
            raise CodecError(f"a record of format {data['format']!r}; this version reads {FORMAT}: update journeyman")
        entry = Entry(data["kind"], data["id"], data["n"], data["body"])
        if (
            entry.kind not in ("begin", "step", "end")
            or not isinstance(entry.episode_id, str)
            or type(entry.number) is not int
        ):
            raise CodecError("a record without kind, id or number")
        return entry
    except (zlib.error, ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, CodecError):
            raise
        raise CodecError(f"not an episode record: {error}") from error


def unpack_episode(entry: Entry, texts: Texts) -> Episode:
    episode = _decoded(Episode, entry, texts)
    assert isinstance(episode, Episode)
    return episode


def unpack_step(entry: Entry, texts: Texts) -> Step:
    step = _decoded(Step, entry, texts)
    assert isinstance(step, Step)
    return step


def plain(record: Any) -> dict[str, Any]:
    """A record as values that JSON holds, with every text in its place."""
    encoded = _encode(type(record), record, None)
    assert isinstance(encoded, dict)
    return encoded


def from_plain(kind: type[T], data: Any) -> T:
    """The inverse of `plain`, for data that anybody may have written.

    Raises:
        CodecError: it is no such record.
    """
    try:
        record = _decode(kind, data, None)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise CodecError(f"not a record of {kind.__name__}: {error}") from error
    assert isinstance(record, kind)
    return record


def _decoded(hint: Any, entry: Entry, texts: Texts) -> Any:
    try:
        return _decode(hint, entry.body, texts)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        if isinstance(error, CodecError):
            raise
        raise CodecError(f"episode {entry.episode_id}: its {entry.kind} record cannot be read: {error}") from error


def _pack(kind: Kind, episode_id: str, number: int, body: Any) -> bytes:
    data = json.dumps(
        {"format": FORMAT, "kind": kind, "id": episode_id, "n": number, "body": body}, separators=(",", ":")
    )
    payload = data.encode("ascii")
    return zlib.compress(payload) if len(payload) > _COMPRESS_ABOVE else payload


def _encode(hint: Any, value: Any, texts: Texts | None) -> Any:
    if value is None or hint in (int, float, bool):
        return value
    if hint is str:
        return value if texts is None or len(value) <= LONG_TEXT else {"blob": texts.put(value)}
    if _is_record(hint):
        unsaid = {name for name, default in _sparse(hint).items() if getattr(value, name) == default}
        kept = (item for item in _hints(hint).items() if item[0] not in unsaid)
        return {name: _encode(sort, getattr(value, name), texts) for name, sort in kept}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return value.value
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _encode(_without_none(inner), value, texts)
    if origin is tuple:
        return [_encode(inner[0], item, texts) for item in value]
    if origin in (dict, Mapping) and inner[1] is not Any:
        return {key: _encode(inner[1], item, texts) for key, item in value.items()}
    return _encode(str, _json_text(dict(value) if isinstance(value, Mapping) else value), texts)


def _decode(hint: Any, value: Any, texts: Texts | None) -> Any:
    if value is None and type(None) in typing.get_args(hint):
        return None
    if hint in (int, bool):
        return _checked(value, hint)
    if hint is float:
        return float(_checked(value, int, float))
    if hint is str:
        return texts.get(value["blob"]) if texts is not None and isinstance(value, dict) else _checked(value, str)
    if _is_record(hint):
        _checked(value, dict)
        fields = {name: _decode(sort, value[name], texts) for name, sort in _hints(hint).items() if name in value}
        return hint(**fields)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _decode(_without_none(inner), value, texts)
    if origin is tuple:
        return tuple(_decode(inner[0], item, texts) for item in _checked(value, list))
    if origin in (dict, Mapping) and inner[1] is not Any:
        return {key: _decode(inner[1], item, texts) for key, item in value.items()}
    free = json.loads(_decode(str, value, texts))
    return _checked(free, dict) if origin in (dict, Mapping) else free


def _checked(value: Any, *kinds: type) -> Any:
    if type(value) not in kinds:
        raise TypeError(f"{value!r:.40} is no {kinds[0].__name__}")
    return value


def _without_none(options: tuple[Any, ...]) -> Any:
    (only,) = (option for option in options if option is not types.NoneType)
    return only


def _is_record(hint: Any) -> bool:
    return dataclasses.is_dataclass(hint)


@functools.cache
def _hints(record: Any) -> dict[str, Any]:
    return {field.name: typing.get_type_hints(record)[field.name] for field in dataclasses.fields(record)}


@functools.cache
def _sparse(record: Any) -> dict[str, Any]:
    """The fields that few records have a value for, with their defaults: those are not written."""
    return {field.name: field.default for field in dataclasses.fields(record) if field.metadata.get("sparse")}


def _json_text(value: Any) -> str:
    try:
        return json.dumps(value, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise CodecError(f"an episode keeps JSON values only: {error}") from error
