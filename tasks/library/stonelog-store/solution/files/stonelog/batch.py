"""Several changes at once: all of them or none."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from stonelog.errors import ClosedError
from stonelog.keys import check_key
from stonelog.records import Kind, Record
from stonelog.store import Store


class Batch:
    """Changes that wait for `commit`. Reading through the batch sees them; reading the store does not."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changes: dict[bytes, bytes | None] = {}
        """Key → its new value, None where it is deleted."""
        self._closed = False

    def __len__(self) -> int:
        return len(self._changes)

    def put(self, key: bytes, value: bytes) -> None:
        self._check_open()
        self._changes[check_key(key)] = value

    def delete(self, key: bytes) -> bool:
        existed = self.get(key) is not None
        self._changes[key] = None
        return existed

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:
        self._check_open()
        if check_key(key) not in self._changes:
            return self._store.get(key, default)
        value = self._changes[key]
        return default if value is None else value

    def commit(self) -> None:
        self._check_open()
        self._store.write(
            Record(Kind.DELETE, key) if value is None else Record(Kind.PUT, key, value)
            for key, value in self._changes.items()
            if value is not None or key in self._store
        )
        self._closed = True

    def rollback(self) -> None:
        self._check_open()
        self._changes.clear()
        self._closed = True

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._closed:
            return
        if kind is None:
            self.commit()
        else:
            self.rollback()

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the batch was committed or rolled back already")
