"""When next, when last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tickwork.expressions import Expression


def next_after(expression: Expression, moment: datetime) -> datetime:
    raise NotImplementedError


def previous_before(expression: Expression, moment: datetime) -> datetime:
    raise NotImplementedError


def between(expression: Expression, start: datetime, end: datetime) -> Iterator[datetime]:
    raise NotImplementedError
