"""When next, when last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from tickwork.errors import NeverError
from tickwork.expressions import Expression

_HORIZON_DAYS = 9 * 366
"""29 February is the rarest day; around a century's turn it is eight years away."""
_DAY = timedelta(days=1)


def next_after(expression: Expression, moment: datetime) -> datetime:
    times = _times(expression)
    day = moment.date()
    for _ in range(_HORIZON_DAYS):
        if expression.matches_day(day):
            for at in times:
                if datetime.combine(day, at) > moment:
                    return datetime.combine(day, at)
        try:
            day += _DAY
        except OverflowError:
            break
    raise NeverError(f"no occurrence after {moment}")


def previous_before(expression: Expression, moment: datetime) -> datetime:
    times = _times(expression)[::-1]
    day = moment.date()
    for _ in range(_HORIZON_DAYS):
        if expression.matches_day(day):
            for at in times:
                if datetime.combine(day, at) < moment:
                    return datetime.combine(day, at)
        try:
            day -= _DAY
        except OverflowError:
            break
    raise NeverError(f"no occurrence before {moment}")


def between(expression: Expression, start: datetime, end: datetime) -> Iterator[datetime]:
    moment = start
    if start < end and start.second == start.microsecond == 0 and expression.matches(start):
        yield start
    while True:
        try:
            moment = next_after(expression, moment)
        except NeverError:
            return
        if moment >= end:
            return
        yield moment


def _times(expression: Expression) -> list[time]:
    return [time(hour, minute) for hour in sorted(expression.hours) for minute in sorted(expression.minutes)]
