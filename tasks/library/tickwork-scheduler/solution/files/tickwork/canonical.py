"""One spelling for each schedule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tickwork.expressions import Expression
from tickwork.fields import DAY, HOUR, MINUTE, MONTH

_SMALLEST_GROUP = 3
"""Fewer numbers than this are written one by one."""


def canonical(expression: Expression) -> str:
    return " ".join(
        [
            _spell(expression.minutes, MINUTE.lowest, MINUTE.highest),
            _spell(expression.hours, HOUR.lowest, HOUR.highest),
            "*" if expression.any_day else _spell(expression.days, DAY.lowest, DAY.highest, star=False),
            _spell(expression.months, MONTH.lowest, MONTH.highest),
            "*" if expression.any_weekday else _spell(expression.weekdays, 0, 6, star=False),
        ]
    )


def _spell(numbers: frozenset[int], lowest: int, highest: int, *, star: bool = True) -> str:
    ordered = sorted(numbers)
    if star and len(ordered) == highest - lowest + 1:
        return "*"
    step = _step(ordered, lowest, highest)
    if step is not None:
        return f"*/{step}"
    return ",".join(_spell_run(run) for run in _runs(ordered))


def _step(ordered: list[int], lowest: int, highest: int) -> int | None:
    """n, if the numbers are just what */n means and n is at least 2."""
    if len(ordered) < _SMALLEST_GROUP or ordered[0] != lowest:
        return None
    step = ordered[1] - ordered[0]
    return step if step > 1 and ordered == list(range(lowest, highest + 1, step)) else None


def _runs(ordered: Iterable[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for number in ordered:
        if run and number != run[-1] + 1:
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _spell_run(run: list[int]) -> str:
    return f"{run[0]}-{run[-1]}" if len(run) >= _SMALLEST_GROUP else ",".join(map(str, run))
