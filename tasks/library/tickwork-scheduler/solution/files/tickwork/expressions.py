"""Text → expression; does it match a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from tickwork.errors import ExpressionError
from tickwork.fields import FIELDS, WEEKDAY, Field

_SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}


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
        if day.month not in self.months:
            return False
        by_day = day.day in self.days
        by_weekday = day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday

    def matches(self, moment: datetime) -> bool:
        return moment.minute in self.minutes and moment.hour in self.hours and self.matches_day(moment.date())


def parse(text: str) -> Expression:
    parts = _SHORTHANDS.get(text.strip().lower(), text).split()
    if len(parts) != len(FIELDS):
        names = ", ".join(field.name for field in FIELDS)
        raise ExpressionError(f"expected five fields ({names}), got {len(parts)}: {text!r}")
    values = [_parse_field(field, part) for field, part in zip(FIELDS, parts)]
    return Expression(*values, any_day=parts[2] == "*", any_weekday=parts[4] == "*")


def _parse_field(field: Field, text: str) -> frozenset[int]:
    numbers: set[int] = set()
    for part in text.split(","):
        try:
            numbers.update(_parse_part(field, part))
        except ValueError as error:
            raise ExpressionError(f"{error} in {text!r}") from None
    if field is WEEKDAY:
        numbers = {number % 7 for number in numbers}
    return frozenset(numbers)


def _parse_part(field: Field, text: str) -> range:
    span, slash, step_text = text.partition("/")
    if span == "*":
        first, last = field.lowest, 6 if field is WEEKDAY else field.highest
    else:
        low, dash, high = span.partition("-")
        first = field.number(low)
        last = field.number(high) if dash else field.highest if slash else first
    if first > last:
        raise ValueError(f"{field.name}: {span!r} runs backwards")
    step = 1
    if slash:
        if not (step_text.isascii() and step_text.isdigit()) or int(step_text) == 0:
            raise ValueError(f"{field.name}: {step_text!r} is no step")
        step = int(step_text)
    return range(first, last + 1, step)
