"""Several changes at once: all of them or none."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from stonelog.store import Store


class Batch:
    """Changes that wait for `commit`. Reading through the batch sees them; reading the store does not."""

    def __init__(self, store: Store) -> None:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def put(self, key: bytes, value: bytes) -> None:
        raise NotImplementedError

    def delete(self, key: bytes) -> bool:
        raise NotImplementedError

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:
        raise NotImplementedError

    def commit(self) -> None:
        raise NotImplementedError

    def rollback(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError
