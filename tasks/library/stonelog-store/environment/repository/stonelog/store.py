"""Log and memtable together: a store that survives."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Self

from stonelog.records import Record


class Store:
    """What the committed groups of a log add up to."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        raise NotImplementedError

    def write(self, records: Iterable[Record]) -> None:
        raise NotImplementedError

    def put(self, key: bytes, value: bytes) -> None:
        raise NotImplementedError

    def delete(self, key: bytes) -> bool:
        raise NotImplementedError

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:
        raise NotImplementedError

    def __contains__(self, key: bytes) -> bool:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def scan(
        self, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        raise NotImplementedError

    def scan_prefix(self, prefix: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        raise NotImplementedError

    @property
    def log_bytes(self) -> int:
        raise NotImplementedError

    @property
    def live_bytes(self) -> int:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
