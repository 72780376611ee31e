"""A sorted map in memory."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from stonelog.keys import check_key, prefix_end


class MemTable:
    """Keys in byte order; `size` is the length of all keys and values together, in bytes."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []
        self.size = 0

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: bytes) -> bool:
        return key in self._values

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:
        return self._values.get(key, default)

    def put(self, key: bytes, value: bytes) -> None:
        check_key(key)
        if key in self._values:
            self.size -= len(key) + len(self._values[key])
        else:
            insort(self._keys, key)
        self._values[key] = value
        self.size += len(key) + len(value)

    def delete(self, key: bytes) -> bool:
        if key not in self._values:
            return False
        self.size -= len(key) + len(self._values.pop(key))
        del self._keys[bisect_left(self._keys, key)]
        return True

    def scan(
        self, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        low = 0 if start is None else bisect_left(self._keys, start)
        high = len(self._keys) if end is None else bisect_left(self._keys, end)
        found = [(key, self._values[key]) for key in self._keys[low:high]]
        return iter(found[::-1] if reverse else found)

    def scan_prefix(self, prefix: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        return self.scan(prefix, prefix_end(prefix), reverse=reverse)
