"""Write, read and check a lock file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pinwheel.index import Index
from pinwheel.resolve import Resolution
from pinwheel.versions import Version

HEADER = "# pinwheel lock 1"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with a lock."""

    name: str
    """The package."""
    reason: str
    """"missing", "unavailable", "mismatch" or "unused"."""


def write_lock(resolution: Resolution) -> str:
    raise NotImplementedError


def read_lock(text: str) -> dict[str, Version]:
    raise NotImplementedError


def check_lock(pins: Mapping[str, Version], index: Index, requirements: Iterable[str]) -> list[Problem]:
    raise NotImplementedError
