"""Unite spans, and subtract them from a window."""

from __future__ import annotations

from collections.abc import Iterable

from calbook.span import Span


def unite(spans: Iterable[Span]) -> list[Span]:
    """Sorted spans that cover the same time, with neither overlaps nor touching neighbours."""
    united: list[Span] = []
    for span in sorted(spans):
        if united and span.start <= united[-1].end:
            last = united.pop()
            span = Span(last.start, max(last.end, span.end))
        united.append(span)
    return united


def subtract(window: Span, busy: Iterable[Span]) -> list[Span]:
    """The gaps that `busy` leaves in `window`, in order."""
    gaps: list[Span] = []
    cursor = window.start
    for span in unite(busy):
        inside = span.clip(window)
        if inside is None:
            continue
        if cursor < inside.start:
            gaps.append(Span(cursor, inside.start))
        cursor = inside.end
    if cursor < window.end:
        gaps.append(Span(cursor, window.end))
    return gaps
