"""Log and memtable together: a store that survives."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Self

from stonelog.errors import ClosedError
from stonelog.keys import check_key
from stonelog.log import Log
from stonelog.memtable import MemTable
from stonelog.records import Kind, Record


class Store:
    """What the committed groups of a log add up to."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._log = Log(path)
        self._table = MemTable()
        group: list[Record] = []
        committed_end = 0
        for record, end in self._log.replay():
            if record.kind is Kind.COMMIT:
                self._apply(group)
                group = []
                committed_end = end
            else:
                group.append(record)
        self._log.truncate(committed_end)  # else the next commit would revive a group that was cut short

    def write(self, records: Iterable[Record]) -> None:
        self._check_open()
        group = list(records)
        if any(record.kind is Kind.COMMIT for record in group):
            raise ValueError("write() adds the commit itself")
        if group:
            self._log.append([*group, Record(Kind.COMMIT)])
            self._apply(group)

    def put(self, key: bytes, value: bytes) -> None:
        self.write([Record(Kind.PUT, key, value)])

    def delete(self, key: bytes) -> bool:
        self._check_open()
        if check_key(key) not in self._table:
            return False
        self.write([Record(Kind.DELETE, key)])
        return True

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:
        self._check_open()
        return self._table.get(check_key(key), default)

    def __contains__(self, key: bytes) -> bool:
        self._check_open()
        return check_key(key) in self._table

    def __len__(self) -> int:
        self._check_open()
        return len(self._table)

    def scan(
        self, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        self._check_open()
        return self._table.scan(start, end, reverse=reverse)

    def scan_prefix(self, prefix: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        self._check_open()
        return self._table.scan_prefix(prefix, reverse=reverse)

    @property
    def log_bytes(self) -> int:
        return self._log.size

    @property
    def live_bytes(self) -> int:
        return self._table.size

    def close(self) -> None:
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _apply(self, group: Iterable[Record]) -> None:
        for record in group:
            if record.kind is Kind.PUT:
                self._table.put(record.key, record.value)
            else:
                self._table.delete(record.key)

    def _check_open(self) -> None:
        if self._log.closed:
            raise ClosedError(f"{self._log.path} is closed")
