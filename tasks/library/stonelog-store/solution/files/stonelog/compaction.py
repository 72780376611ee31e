"""A shorter file with the same content."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from stonelog.log import Log
from stonelog.records import Kind, Record
from stonelog.store import Store


@dataclass(frozen=True)
class Compaction:
    """What a compaction did."""

    bytes_before: int
    bytes_after: int
    keys: int


def compact(path: str | os.PathLike[str]) -> Compaction:
    path = Path(path)
    bytes_before = path.stat().st_size
    with Store(path) as store:
        records = [Record(Kind.PUT, key, value) for key, value in store.scan()]
    made = path.with_name(path.name + ".compacting")
    made.unlink(missing_ok=True)
    try:
        with Log(made) as log:
            log.append([*records, Record(Kind.COMMIT)] if records else [])
        made.chmod(path.stat().st_mode & 0o777)
        os.replace(made, path)
    finally:
        made.unlink(missing_ok=True)
    return Compaction(bytes_before, path.stat().st_size, len(records))
