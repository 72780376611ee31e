"""Read and print spans and days."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from calbook.agenda import Agenda
from calbook.span import Span

_SPAN = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2}) (?P<start>\d{2}:\d{2})-(?P<end>\d{2}:\d{2})")


def parse_span(text: str) -> Span:
    """Read "2024-03-04 09:00-10:30".

    Raises:
        ValueError: the text has another form, or its end is not after its start.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"expected 'YYYY-MM-DD HH:MM-HH:MM', got {text!r}")
    day = date.fromisoformat(match["day"])
    return Span(
        datetime.combine(day, time.fromisoformat(match["start"])),
        datetime.combine(day, time.fromisoformat(match["end"])),
    )


def format_day(agenda: Agenda, day: date) -> str:
    """The day's events, a line each: "09:00-09:15  Stand-up (ann, bo)"."""
    lines = [
        f"{event.span.start:%H:%M}-{event.span.end:%H:%M}  {event.title} ({', '.join(sorted(event.people))})"
        for event in agenda.events()
        if event.span.start.date() == day
    ]
    return "\n".join(lines) if lines else "nothing planned"
