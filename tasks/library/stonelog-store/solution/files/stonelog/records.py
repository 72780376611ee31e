"""One record ↔ bytes.

    checksum (4) | kind (1) | key length (4) | value length (4) | key | value

Numbers are unsigned and big-endian. The checksum is the CRC-32 of everything after it.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from stonelog.errors import CorruptError, TruncatedError
from stonelog.keys import check_key

_CHECKSUM = struct.Struct(">I")
_HEADER = struct.Struct(">BII")


class Kind(IntEnum):
    PUT = 1
    DELETE = 2
    COMMIT = 3
    """Ends a group: the records before it count from now on."""


@dataclass(frozen=True)
class Record:
    kind: Kind
    key: bytes = b""
    value: bytes = b""


def encode(record: Record) -> bytes:
    if record.kind is Kind.COMMIT:
        if record.key:
            raise ValueError("a commit has no key")
    else:
        check_key(record.key)
    if record.value and record.kind is not Kind.PUT:
        raise ValueError(f"a {record.kind.name.lower()} has no value")
    body = _HEADER.pack(record.kind, len(record.key), len(record.value)) + record.key + record.value
    return _CHECKSUM.pack(zlib.crc32(body)) + body


def decode(data: bytes, offset: int = 0) -> tuple[Record, int]:
    start = offset + _CHECKSUM.size
    if len(data) < start + _HEADER.size:
        raise TruncatedError(f"no whole header at byte {offset}")
    kind, key_length, value_length = _HEADER.unpack_from(data, start)
    key_start = start + _HEADER.size
    value_start = key_start + key_length
    end = value_start + value_length
    if len(data) < end:
        raise TruncatedError(f"the record at byte {offset} needs {end - len(data)} more bytes")
    if zlib.crc32(data[start:end]) != _CHECKSUM.unpack_from(data, offset)[0]:
        raise CorruptError(f"wrong checksum at byte {offset}")
    if kind not in iter(Kind):
        raise CorruptError(f"unknown kind {kind} at byte {offset}")
    return Record(Kind(kind), bytes(data[key_start:value_start]), bytes(data[value_start:end])), end
