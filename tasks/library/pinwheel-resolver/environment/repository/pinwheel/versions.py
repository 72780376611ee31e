"""Read and compare versions such as "1.4.2" and "2.0rc1"."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Version:
    release: tuple[int, ...]
    """As many numbers as were written."""
    pre: tuple[str, int] | None = None
    """("a" | "b" | "rc", number) of a pre-release."""

    @classmethod
    def parse(cls, text: str) -> Version:
        raise NotImplementedError

    @property
    def is_prerelease(self) -> bool:
        return self.pre is not None
