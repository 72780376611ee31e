"""One record ↔ bytes.

    checksum (4) | kind (1) | key length (4) | value length (4) | key | value

Numbers are unsigned and big-endian. The checksum is the CRC-32 of everything after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


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
    raise NotImplementedError


def decode(data: bytes, offset: int = 0) -> tuple[Record, int]:
    raise NotImplementedError
