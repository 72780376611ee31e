"""Read and compare versions such as "1.4.2" and "2.0rc1"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering

from pinwheel.errors import VersionError

_VERSION = re.compile(r"(?P<release>[0-9]+(?:\.[0-9]+)*)(?:(?P<stage>a|b|rc)(?P<number>[0-9]+))?")
_FINAL = ("z", 0)
"""Sorts after every pre-release stage."""


@total_ordering
@dataclass(frozen=True, eq=False)
class Version:
    release: tuple[int, ...]
    """As many numbers as were written."""
    pre: tuple[str, int] | None = None
    """("a" | "b" | "rc", number) of a pre-release."""

    @classmethod
    def parse(cls, text: str) -> Version:
        match = _VERSION.fullmatch(text.strip())
        if match is None:
            raise VersionError(f"not a version: {text!r}")
        release = tuple(int(number) for number in match["release"].split("."))
        return cls(release, (match["stage"], int(match["number"])) if match["stage"] else None)

    @property
    def is_prerelease(self) -> bool:
        return self.pre is not None

    @property
    def _key(self) -> tuple[tuple[int, ...], tuple[str, int]]:
        significant = len(self.release)
        while significant and self.release[significant - 1] == 0:
            significant -= 1
        return self.release[:significant], self.pre or _FINAL

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, Version) else NotImplemented

    def __lt__(self, other: Version) -> bool:
        return self._key < other._key if isinstance(other, Version) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __str__(self) -> str:
        stage = f"{self.pre[0]}{self.pre[1]}" if self.pre else ""
        return ".".join(map(str, self.release)) + stage
