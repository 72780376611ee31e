"""Records in a file, torn ends cut off."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from stonelog.records import Record


class Log:
    """An append-only file of records."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.size = 0
        self.dropped_bytes = 0
        raise NotImplementedError

    @property
    def closed(self) -> bool:
        raise NotImplementedError

    def append(self, records: Iterable[Record]) -> None:
        raise NotImplementedError

    def replay(self) -> Iterator[tuple[Record, int]]:
        raise NotImplementedError

    def truncate(self, size: int) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
