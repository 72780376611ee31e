"""When everybody could meet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from calbook.agenda import Agenda
from calbook.merge import subtract
from calbook.span import Span


def find_slots(
    agenda: Agenda, people: Iterable[str], window: Span, duration: timedelta, *, step: timedelta | None = None
) -> list[Span]:
    """Every proposal of length `duration` inside `window` at which nobody of `people` is busy.

    Proposals start at the beginning of each gap and then every `step`, which is `duration` if not given.

    Raises:
        ValueError: `duration` or `step` is not positive.
    """
    step = duration if step is None else step
    if duration <= timedelta(0) or step <= timedelta(0):
        raise ValueError("duration and step must be positive")
    slots: list[Span] = []
    for gap in subtract(window, agenda.busy(people)):
        slots.extend(_slots_of(gap, duration, step))
    return slots


def _slots_of(gap: Span, duration: timedelta, step: timedelta) -> Iterator[Span]:
    start = gap.start
    while start + duration <= gap.end:
        yield Span(start, start + duration)
        start += step


def first_slot(agenda: Agenda, people: Iterable[str], window: Span, duration: timedelta) -> Span | None:
    """The earliest proposal, or None when there is none."""
    slots = find_slots(agenda, people, window, duration)
    return slots[0] if slots else None
