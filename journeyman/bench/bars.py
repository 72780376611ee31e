"""The bars: what Journeyman's own rows must show, each against its limit, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from journeyman.bench.figures import Figures
from journeyman.bench.rows import BARE, COMMAND_LINE, DOCKER, NAMESPACE, REX_DOCKER, ROWS, SDK, Row

Rows = Mapping[str, Figures]


@dataclass(frozen=True, slots=True)
class Bar:
    """One limit for each of the two backends."""

    about: str
    namespace: float
    docker: float
    figure: Callable[[Figures, Rows], float | None]
    """From our row and all rows; None when something that it needs was not measured."""
    unit: str = "×"
    at_least: bool = False
    needs: tuple[Row, ...] = ()
    """Rows of others that it compares with."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one bar for one backend."""

    about: str
    row: str
    figure: float | None
    limit: float
    unit: str
    at_least: bool
    met: bool | None
    """None when it could not be judged."""
    why: str = ""
    """Why it could not."""


def _own(name: str) -> Callable[[Figures, Rows], float | None]:
    return lambda row, rows: row.get(name)


def _quicker(row: Row, name: str) -> Callable[[Figures, Rows], float | None]:
    """How many times as long the other one takes."""

    def ratio(own: Figures, rows: Rows) -> float | None:
        theirs = rows.get(row.name, {}).get(name)
        return theirs / own[name] if theirs and own.get(name) else None

    return ratio


def _true_ratio(own: Figures, rows: Rows) -> float | None:
    bare = rows.get(BARE.name, {}).get("true_ms")
    return own["true_ms"] / bare if bare and "true_ms" in own else None


def best_rate(row: Figures) -> float | None:
    """Episodes a minute, with warm tests where the row has them."""
    return row.get("warm_per_minute", row.get("per_minute"))


def _rate_ratio(others: tuple[Row, ...]) -> Callable[[Figures, Rows], float | None]:
    def ratio(own: Figures, rows: Rows) -> float | None:
        rates = [rate for row in others if (rate := best_rate(rows.get(row.name, {})))]
        mine = best_rate(own)
        return mine / max(rates) if mine and rates else None

    return ratio


UNISOLATED = tuple(row for row in ROWS if not row.isolated)
BARS = (
    Bar("reset + close vs SWE-ReX docker", 100, 100, _quicker(REX_DOCKER, "reset_close_ms"), "×", True, (REX_DOCKER,)),
    Bar("reset + close vs the docker SDK's run + remove", 20, 20, _quicker(SDK, "reset_close_ms"), "×", True, (SDK,)),
    Bar(
        "`true` vs the docker exec command line", 15, 12, _quicker(COMMAND_LINE, "true_ms"), "×", True, (COMMAND_LINE,)
    ),
    Bar("`true` vs bare subprocess", 1.3, 1.5, _true_ratio),
    Bar("cold pytest vs bare", 1.1, 1.15, _own("pytest_ratio")),
    Bar("warm pytest vs bare", 0.35, 0.35, _own("warm_ratio")),
    Bar("episodes/min vs SWE-ReX docker", 15, 12, _rate_ratio((REX_DOCKER,)), "×", True, (REX_DOCKER,)),
    Bar("episodes/min vs the best without isolation", 3, 2.5, _rate_ratio(UNISOLATED), "×", True),
    Bar("reset with 6,000 files vs 60", 1.5, 1.5, _own("files_ratio")),
    Bar("fork after 100 MB changed", 20, 30, _own("fork_bytes_ms"), "ms"),
    Bar("fork after 10,000 files changed", 20, 30, _own("fork_files_ms"), "ms"),
    Bar("idle memory (PSS)", 6, 25, _own("idle_mib"), "MiB"),
    Bar("CPU seconds an episode, 64 lanes vs 4", 1.3, 1.3, _own("cpu_ratio")),
    Bar("survivors of a hostile tree", 0, 0, _own("survivors"), ""),
    Bar("late at a hostile tree's timeout", 0.2, 0.2, _own("late_s"), "s"),
)


def verdicts(rows: Rows, troubles: Mapping[str, str], bars: tuple[Bar, ...] = BARS) -> list[Verdict]:
    """Every bar of every own row that was to be measured.

    Args:
        troubles: row → why it was not measured, or not whole.
    """
    return [
        _judged(bar, own, rows, troubles)
        for own in (NAMESPACE, DOCKER)
        if own.name in rows or own.name in troubles
        for bar in bars
    ]


def _judged(bar: Bar, own: Row, rows: Rows, troubles: Mapping[str, str]) -> Verdict:
    limit = bar.namespace if own is NAMESPACE else bar.docker
    figure = bar.figure(rows.get(own.name, {}), rows)
    if figure is None:
        missing = [row.name for row in (own, *bar.needs) if troubles.get(row.name) or row.name not in rows]
        why = "; ".join(f"{name}: {troubles.get(name) or 'not chosen'}" for name in missing) or "not measured here"
        return Verdict(bar.about, own.name, None, limit, bar.unit, bar.at_least, None, why)
    met = figure >= limit if bar.at_least else figure <= limit
    return Verdict(bar.about, own.name, figure, limit, bar.unit, bar.at_least, met)
