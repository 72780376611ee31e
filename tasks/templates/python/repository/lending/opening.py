"""On which days the library is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Opening:
    """Weekdays (0 is Monday) and holidays on which the library is closed."""

    closed_weekdays: frozenset[int] | set[int] = frozenset()
    holidays: frozenset[date] | set[date] = frozenset()

    def __post_init__(self) -> None:
        if not set(self.closed_weekdays) <= set(range(7)):
            raise ValueError("a weekday is a number from 0 (Monday) to 6 (Sunday)")
        if len(set(self.closed_weekdays)) == 7:
            raise ValueError("the library must be open on some weekday")

    def is_open(self, day: date) -> bool:
        """Whether somebody is there on a day."""
        return day.weekday() not in self.closed_weekdays and day not in self.holidays

    def next_open(self, day: date) -> date:
        """The day itself if the library is open on it, else the first open day after it."""
        while not self.is_open(day):
            day += ONE_DAY
        return day

    def open_days(self, after: date, until: date) -> int:
        """How many open days come after a day, up to and including another; 0 where there are none between them."""
        days = (after + number * ONE_DAY for number in range(1, (until - after).days + 1))
        return sum(self.is_open(day) for day in days)
