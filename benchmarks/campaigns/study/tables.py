"""The study's page, drawn from its figures alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from arms import ARMS, Arm
from figures import Figures, paired, rate_of, read, with_said_false
from study import place_of

from journeyman.training.repeats import PairedByTask

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
_CLEAR = 0.05


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of an arm."""

    title: str
    set: str
    """Of tasks; of several, joined by "+"."""
    name: str
    """Of a count (`Row.counts`)."""


@dataclass(frozen=True)
class Found:
    """All figures that there are."""

    root: Path
    seeds: Sequence[int]

    def of(self, arm: Arm, set_: str) -> dict[int, Figures]:
        """By seed; a model as it comes has the same for all."""
        found: dict[int, Figures] = {}
        for seed in self.seeds:
            parts = [read(self.root / place_of(arm, seed) / f"{each}.jsonl") for each in set_.split("+")]
            there = [part for part in parts if part is not None]
            if len(there) == len(parts):
                rows = tuple(with_said_false(row) for part in there for row in part.rows)
                found[seed] = Figures(there[0].about, rows, there[0].models)
        return found

    def arms(self, columns: Sequence[Column]) -> list[Arm]:
        return [arm for arm in ARMS.values() if any(self.of(arm, column.set) for column in columns)]


def rates(found: Found, columns: Sequence[Column]) -> list[str]:
    """Arm by arm: each figure over all seeds, with its 95% interval, tasks as clusters."""
    lines = ["| | " + " | ".join(column.title for column in columns) + " |", "| --- |" + " --- |" * len(columns)]
    for arm in found.arms(columns):
        cells = [_rate(found, arm, column) for column in columns]
        lines.append(f"| {arm.name}: {arm.about} | " + " | ".join(cells) + " |")
    return lines


def _rate(found: Found, arm: Arm, column: Column) -> str:
    figures = list(found.of(arm, column.set).values())
    if arm.by == "nothing":
        figures = figures[:1]
    rate = rate_of(figures, column.name)
    if not figures or not rate.trials:
        return "–"
    low, high = rate.interval
    return f"{rate.successes:g}/{rate.trials:g} = {rate.value:.1%} ({low:.1%} to {high:.1%})"


def by_seed(found: Found, column: Column) -> list[str]:
    """One figure, seed by seed."""
    lines = [
        "| | " + " | ".join(f"seed {seed}" for seed in found.seeds) + " |",
        "| --- |" + " --- |" * len(found.seeds),
    ]
    for arm in found.arms([column]):
        figures = found.of(arm, column.set)
        cells = [figures[seed].rate(column.name).share if seed in figures else "–" for seed in found.seeds]
        lines.append(f"| {arm.name} | " + " | ".join(cells) + " |")
    return lines


def pairs(found: Found, columns: Sequence[Column], beside: str = "") -> list[str]:
    """Each arm beside the one that it is compared with, or those that came after it beside this one, on the same tasks
    and seeds. Seeds of which the two did not come of the same models are left out, and named."""
    order = list(ARMS)
    lines = ["| | figure | difference | is it clear? |", "| --- | --- | --- | --- |"]
    for arm in found.arms(columns):
        later = beside and order.index(arm.name) > order.index(beside)
        rival = (beside if later else "") if beside else arm.rival
        for column in columns if rival else ():
            mine, theirs = found.of(arm, column.set), found.of(ARMS[rival], column.set)
            shared = sorted(mine.keys() & theirs.keys())
            both = [seed for seed in shared if mine[seed].same_line(theirs[seed])]
            apart = ", ".join(str(seed) for seed in shared if seed not in both)
            result = paired([theirs[seed] for seed in both], [mine[seed] for seed in both], column.name)
            told = [f"{result} | {_clear(result)}"] if result.pairs else ["– | –"] if apart else []
            left_out = f" (without seed {apart}, which came of other models)" if apart else ""
            lines += [f"| {arm.name} beside {rival} | {column.title} | {each}{left_out} |" for each in told]
    return lines


def _clear(result: PairedByTask) -> str:
    return "yes" if result.p_value < _CLEAR else "no: not significant"


def put_into(page: Path, lines: Sequence[str]) -> None:
    """Replace what stands between the marks of a page.

    Raises:
        ValueError: the page has no marks.
    """
    text = page.read_text()
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no lines {BEGIN} and {END}")
    body = "\n".join(lines).strip("\n")
    page.write_text(f"{head}{BEGIN}\n\n{body}\n\n{END}{tail}")
