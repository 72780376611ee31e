"""Shared calendars for a small team."""

from calbook.agenda import Agenda, Event
from calbook.merge import subtract, unite
from calbook.slots import find_slots, first_slot
from calbook.span import Span
from calbook.text import format_day, parse_span

__all__ = ["Agenda", "Event", "Span", "find_slots", "first_slot", "format_day", "parse_span", "subtract", "unite"]
