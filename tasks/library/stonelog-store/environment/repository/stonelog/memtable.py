"""A sorted map in memory."""

from __future__ import annotations

from collections.abc import Iterator


class MemTable:
    """Keys in byte order; `size` is the length of all keys and values together, in bytes."""

    def __init__(self) -> None:
        self.size = 0

    def __len__(self) -> int:
        raise NotImplementedError

    def __contains__(self, key: bytes) -> bool:
        raise NotImplementedError

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:
        raise NotImplementedError

    def put(self, key: bytes, value: bytes) -> None:
        raise NotImplementedError

    def delete(self, key: bytes) -> bool:
        raise NotImplementedError

    def scan(
        self, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        raise NotImplementedError

    def scan_prefix(self, prefix: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        raise NotImplementedError
