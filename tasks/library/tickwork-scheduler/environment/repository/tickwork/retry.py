"""How long to wait after a failure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction


@dataclass(frozen=True)
class Backoff:
    first: timedelta
    """Wait after the first failure."""
    factor: Fraction = Fraction(1)
    """Each wait is so many times the one before."""
    longest: timedelta = timedelta(days=1)
    """No wait is longer."""
    tries: int | None = None
    """How often a job is tried altogether; None for no end."""

    @classmethod
    def parse(cls, text: str) -> Backoff:
        raise NotImplementedError

    def wait_after(self, failures: int) -> timedelta | None:
        raise NotImplementedError
