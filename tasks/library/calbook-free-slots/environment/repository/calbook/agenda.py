"""Events of several people, and what they say about who is busy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from calbook.merge import unite
from calbook.span import Span


@dataclass(frozen=True)
class Event:
    number: int
    title: str
    span: Span
    people: frozenset[str]


class Agenda:
    """A list of events; numbers are given in order and never reused."""

    def __init__(self) -> None:
        self._events: dict[int, Event] = {}
        self._next_number = 1

    def __len__(self) -> int:
        return len(self._events)

    def add(self, title: str, span: Span, people: Iterable[str]) -> Event:
        """Add an event.

        Raises:
            ValueError: nobody takes part.
        """
        names = frozenset(people)
        if not names:
            raise ValueError(f"{title!r}: an event needs at least one person")
        event = Event(self._next_number, title, span, names)
        self._events[event.number] = event
        self._next_number += 1
        return event

    def cancel(self, number: int) -> Event:
        """Remove an event and return it.

        Raises:
            KeyError: there is no event of that number.
        """
        return self._events.pop(number)

    def events(self, *, person: str | None = None, window: Span | None = None) -> list[Event]:
        """Events by start, optionally of one person or overlapping a window."""
        found = [
            event
            for event in self._events.values()
            if (person is None or person in event.people) and (window is None or event.span.overlaps(window))
        ]
        return sorted(found, key=lambda event: (event.span, event.number))

    def busy(self, people: Iterable[str]) -> list[Span]:
        """When at least one of `people` is busy, united."""
        wanted = frozenset(people)
        return unite(event.span for event in self._events.values() if event.people & wanted)

    def clashes(self) -> list[tuple[Event, Event]]:
        """Pairs of events that overlap and share a person, by start."""
        return [
            (one, other)
            for one, other in combinations(self.events(), 2)
            if one.people & other.people and one.span.overlaps(other.span)
        ]
