"""How long to wait after a failure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from tickwork.durations import parse_duration

_FORM = re.compile(
    r"(?P<first>\S+)(?:\s+x(?P<factor>[0-9]+(?:\.[0-9]+)?))?(?:\s+max\s+(?P<longest>\S+))?(?:\s+tries\s+(?P<tries>[0-9]+))?"
)


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

    def __post_init__(self) -> None:
        if self.first < timedelta(seconds=1):
            raise ValueError("the first wait must be at least a second")
        if self.factor < 1:
            raise ValueError("the factor must be at least 1")
        if self.longest < self.first:
            raise ValueError("the longest wait must not be shorter than the first")
        if self.tries is not None and self.tries < 1:
            raise ValueError("tries must be at least 1")

    @classmethod
    def parse(cls, text: str) -> Backoff:
        match = _FORM.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(f"expected 'WAIT [xFACTOR] [max WAIT] [tries N]', got {text!r}")
        return cls(
            first=parse_duration(match["first"]),
            factor=Fraction(match["factor"] or 1),
            longest=parse_duration(match["longest"]) if match["longest"] else cls.longest,
            tries=int(match["tries"]) if match["tries"] else None,
        )

    def wait_after(self, failures: int) -> timedelta | None:
        if failures < 1:
            raise ValueError("there is no wait before the first failure")
        if self.tries is not None and failures >= self.tries:
            return None
        longest = Fraction(self.longest.total_seconds())
        seconds = Fraction(self.first.total_seconds())
        for _ in range(failures - 1):
            if seconds >= longest or self.factor == 1:
                break
            seconds *= self.factor
        return timedelta(seconds=int(min(seconds, longest)))
