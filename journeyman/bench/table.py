"""The table and the verdicts as people read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from journeyman.bench.bars import Verdict
from journeyman.bench.figures import Figures
from journeyman.bench.run import Result
from journeyman.terminal import line, plural

NOTHING = "–"


def _number(name: str, scale: float = 1.0) -> Callable[[Figures], str]:
    def cell(row: Figures) -> str:
        return NOTHING if name not in row else shown(row[name] * scale)

    return cell


def shown(value: float) -> str:
    """Three digits that matter, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _tests(name: str) -> Callable[[Figures], str]:
    """Seconds, and the ratio to the bare row."""

    def cell(row: Figures) -> str:
        if f"{name}_ms" not in row:
            return NOTHING
        ratio = f" ({row[f'{name}_ratio']:.2f})" if f"{name}_ratio" in row else ""
        return f"{row[f'{name}_ms'] / 1000:.3f}{ratio}"

    return cell


def _hostile(row: Figures) -> str:
    return f"{row['survivors']:.0f}, {max(0.0, row['late_s']):.2f} s" if "survivors" in row else NOTHING


Column = tuple[str, Callable[[Figures], str]]
STEPS: tuple[Column, ...] = (
    ("reset", _number("reset_ms")),
    ("close", _number("close_ms")),
    ("both", _number("reset_close_ms")),
    ("`true`", _number("true_ms")),
    ("restore", _number("restore_ms")),
    ("pytest, s", _tests("pytest")),
    ("warm, s", _tests("warm")),
)
WHOLE: tuple[Column, ...] = (
    ("episodes/min", _number("per_minute")),
    ("warm", _number("warm_per_minute")),
    ("PSS, MiB", _number("idle_mib")),
    ("of it engine", _number("idle_engine_mib")),
    ("shared by all", _number("idle_shared_mib")),
    ("survivors, late", _hostile),
)
OWN: tuple[Column, ...] = (
    ("CPU s, 4 lanes", _number("cpu_few_s")),
    ("64", _number("cpu_many_s")),
    ("reset, 60 files", _number("reset_few_ms")),
    ("6,000", _number("reset_many_ms")),
    ("fork, 100 MB", _number("fork_bytes_ms")),
    ("10,000 files", _number("fork_files_ms")),
)


def report(result: Result) -> Group:
    """Everything, in the order in which people ask."""
    parts: list[RenderableType] = [Text(_about(result))]
    for title, columns in (("steps, ms", STEPS), ("as a whole", WHOLE), ("by size, ms", OWN)):
        names = [name for name, row in result.rows.items() if any(cell(row) != NOTHING for _, cell in columns)]
        if names:
            parts += [Text(), _table(result, title, columns, names)]
    parts += [Text(), *_troubles(result), *_verdicts(result)]
    return Group(*parts)


def _about(result: Result) -> str:
    here, plan = result.machine, result.plan
    suite = "" if result.suite_s is None else f"; the suite itself takes {result.suite_s:.2f} s"
    return (
        f"{line(here['cpu'])}, {here['cores']} cores, {here['memory_gib']} GiB, Linux {line(here['kernel'])}, Python"
        f" {here['python']}, as {here['user']}; load {here['load_before']:.2f} before, {here['load_after']:.2f} after."
        f"\nMedians of {plural(plan.rounds, 'interleaved round')}; 57 files, five tests{suite}."
        f" Episodes (reset, ls, cat, edit, pytest, close) on {plan.lanes} lanes; memory: a share of {plan.idle}."
        " In brackets: times the bare row's pytest."
    )


def _table(
    result: Result,
    title: str,
    columns: tuple[Column, ...],
    names: list[str],
) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(title, overflow="fold")
    for name, _ in columns:
        table.add_column(name, justify="right")
    rows = result.rows
    for name in names:
        version = result.raw[name].version
        label = Text.assemble(line(name), (f" {line(version)}" if version else "", "dim"))
        table.add_row(label, *(cell(rows[name]) for _, cell in columns))
    return table


def _troubles(result: Result) -> Iterator[Text]:
    if result.cut_short:
        yield Text(result.cut_short, "yellow")
    for name, why in result.missing.items():
        yield Text(f"not measured: {line(name)}: {line(why)}", "yellow")
    for name, row in result.raw.items():
        if row.trouble:
            yield Text(f"not whole: {line(name)}: {line(row.trouble)}", "yellow")
        for runner in sorted(row.runners - {"warm"}):
            yield Text(f"{line(name)}: a test run that was to be warm was {line(runner)}", "yellow")


def _verdicts(result: Result) -> Iterator[Text]:
    row = ""
    for verdict in result.verdicts:
        if verdict.row != row:
            row = verdict.row
            yield Text(f"\n{row}", "bold")
        yield verdict_line(verdict)


def verdict_line(verdict: Verdict) -> Text:
    """One bar: its limit, the figure, met or MISSED."""
    bound = f"{'≥' if verdict.at_least else '≤'} {verdict.limit:g} {verdict.unit}".rstrip()
    text = Text(f"  {verdict.about:<48} {bound:>10}   ")
    if verdict.met is None:
        return text.append(f"not judged ({line(verdict.why)})", "yellow")
    word, style = ("met", "green") if verdict.met else ("MISSED", "bold red")
    figure = f"{shown(verdict.figure or 0.0)} {verdict.unit}".rstrip()
    return text.append(f"{figure:>12}   ").append(word, style)
