"""Text → expression; does it match a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Expression:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday, 6 is Saturday."""
    any_day: bool
    """Whether the day field was just a star."""
    any_weekday: bool
    """Whether the weekday field was just a star."""

    def matches_day(self, day: date) -> bool:
        raise NotImplementedError

    def matches(self, moment: datetime) -> bool:
        raise NotImplementedError


def parse(text: str) -> Expression:
    raise NotImplementedError
