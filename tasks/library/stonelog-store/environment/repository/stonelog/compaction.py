"""A shorter file with the same content."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Compaction:
    """What a compaction did."""

    bytes_before: int
    bytes_after: int
    keys: int


def compact(path: str | os.PathLike[str]) -> Compaction:
    raise NotImplementedError
