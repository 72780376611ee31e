"""Records in a file, torn ends cut off."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from stonelog.errors import ClosedError, CorruptError, TruncatedError
from stonelog.records import Record, decode, encode


class Log:
    """An append-only file of records.

    Opening it reads the file from its beginning; the first bytes that are no whole, sound record end the log, and
    everything from there on is cut off the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        data = self.path.read_bytes() if self.path.exists() else b""
        self.size = max((end for _, end in _sound(data)), default=0)
        self.dropped_bytes = len(data) - self.size
        self._file = open(self.path, "ab")
        if self.dropped_bytes:
            self._file.truncate(self.size)

    @property
    def closed(self) -> bool:
        return self._file.closed

    def append(self, records: Iterable[Record]) -> None:
        self._check_open()
        data = b"".join(encode(record) for record in records)
        if not data:
            return
        self._file.write(data)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.size += len(data)

    def replay(self) -> Iterator[tuple[Record, int]]:
        self._check_open()
        return _sound(self.path.read_bytes()[: self.size])

    def truncate(self, size: int) -> None:
        self._check_open()
        if not 0 <= size <= self.size:
            raise ValueError(f"cannot cut a log of {self.size} bytes to {size}")
        self._file.truncate(size)
        os.fsync(self._file.fileno())
        self.size = size

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self.closed:
            raise ClosedError(f"{self.path} is closed")


def _sound(data: bytes) -> Iterator[tuple[Record, int]]:
    """Records, each with where it ends, up to the first bytes that are none."""
    end = 0
    while True:
        try:
            record, end = decode(data, end)
        except (TruncatedError, CorruptError):
            return
        yield record, end
