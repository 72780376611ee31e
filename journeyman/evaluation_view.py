"""How evaluations and leaderboards look: a row for each task, then what they come to."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from journeyman.terminal import line, out, plural
from journeyman.training.contamination import Lineage
from journeyman.training.evaluate import Evaluation, TaskResult
from journeyman.training.leaderboard import Measured, Row
from journeyman.training.measures import Prices

NONE = "–"
"""Where there is no number."""


def say_evaluation(result: Evaluation, prices: Prices) -> None:
    """Print it: the table, the rates with their intervals, what it took, what was checked."""
    out.print(_tasks_by_row(result) if result.repeated else _episodes_by_row(result))
    out.print(f"\nresolve rate: {result.resolve_rate}", highlight=False)
    if result.repeated:
        out.print(_passes(result))
    if result.milestones.trials:
        out.print(f"milestones closed: {result.milestones}", highlight=False)
    if (mended := result.self_correction).trials:
        out.print(
            f"own mistakes mended: {mended}; {result.resolved_after_error.successes} of these "
            f"{plural(mended.trials, 'episode')} resolved",
            highlight=False,
        )
    stops = ", ".join(f"{name} {count}" for name, count in result.stops.items())
    out.print(f"stop reasons: {stops}", highlight=False, markup=False)
    out.print(_spent(result, prices), highlight=False, soft_wrap=True)
    out.print(_contamination(result), highlight=False, soft_wrap=True, markup=False)


def say_boards(boards: Mapping[str, Sequence[Row]]) -> None:
    """Print each suite's rows as a table of its own."""
    if not boards:
        out.print("no rows")
    for rows in boards.values():
        heads, *body = _board(rows)
        table = Table(*heads, box=None, header_style="dim", title=Text(line(_title(rows))), title_justify="left")
        for row in body:
            table.add_row(*_texts(*row))
        out.print(table)
    if len(boards) > 1:
        out.print("different tasks: rows are ranked among their own only", style="dim")


def board_markdown(rows: Sequence[Row]) -> str:
    """One suite's rows as a table in Markdown."""
    heads, *body = _board(rows)
    ruled = [heads, ["---"] * len(heads), *body]
    lines = ("| " + " | ".join(line(cell).replace("|", "\\|") for cell in row) + " |" for row in ruled)
    return "\n".join([f"### {line(_title(rows))}", "", *lines])


def _episodes_by_row(result: Evaluation) -> Table:
    table = Table("task", "resolved", "reward", "milestones", "stop", "steps", "episode", box=None)
    for row in result.results:
        reward = "unscored" if row.reward is None else f"{row.reward:.2f}"
        resolved = "yes" if row.resolved else "no"
        table.add_row(*_texts(row.task, resolved, reward, _closed([row]), row.stop, str(row.steps), row.episode))
    return table


def _tasks_by_row(result: Evaluation) -> Table:
    """Of several episodes of a task: how many were resolved, means, and one that is worth a look."""
    table = Table("task", "resolved", "reward", "milestones", "stop", "steps", "an episode", box=None)
    for task, rows in result.by_task.items():
        scored = [row.reward for row in rows if row.reward is not None]
        unscored = f", {len(rows) - len(scored)} unscored" if len(scored) < len(rows) else ""
        best = max(rows, key=lambda row: (row.resolved, row.reward or 0.0))
        stops = ", ".join(f"{stop} {count}" for stop, count in Counter(row.stop for row in rows).most_common())
        table.add_row(*_texts(
            task, f"{sum(row.resolved for row in rows)}/{len(scored)}{unscored}",
            f"{statistics.fmean(scored):.2f}" if scored else NONE, _closed(rows), stops,
            f"{statistics.fmean(row.steps for row in rows):.1f}", best.episode,
        ))  # fmt: skip
    return table


def _texts(*cells: str) -> Iterator[Text]:
    """Of names that others chose: neither markup nor terminal sequences in them work."""
    return (Text(line(cell)) for cell in cells)


def _closed(rows: Sequence[TaskResult]) -> str:
    total = sum(row.milestones for row in rows)
    return f"{sum(row.milestones_closed for row in rows)}/{total}" if total else ""


def _passes(result: Evaluation) -> Table:
    table = Table("k", "pass@k, one of k", "95% interval", "pass^k, all of k", "95% interval", "tasks", box=None)
    for k, each in result.passes.items():
        cells = (cell for part in (each.at_k, each.hat_k) for cell in (f"{part.value:.1%}", _interval(part.interval)))
        table.add_row(str(k), *cells, str(each.at_k.tasks))
    return table


def _spent(result: Evaluation, prices: Prices) -> str:
    data = result.spent.to_dict(prices)
    each = data["per_solved"]
    tokens = f"{_number(data['tokens_sampled'])} tokens sampled, {_number(data['tokens_read'])} read"
    cost = f", cost {_number(data['cost'], 4)}" if prices != Prices() else ""
    total = f"{tokens}, {_number(data['wall_seconds'], 1)} s{cost}"
    tokens = f"{_number(each['tokens_sampled'])} sampled, {_number(each['tokens_read'])} read"
    cost = f", cost {_number(each['cost'], 4)}" if prices != Prices() else ""
    return f"spent: {total}; a resolved episode: {tokens}, {_number(each['wall_seconds'], 1)} s{cost}"


def _contamination(result: Evaluation) -> str:
    lineage = f"{Lineage(**result.facts['lineage'])}; " if "lineage" in result.facts else ""
    canary = result.canary
    seen = f": {', '.join(canary['seen'][:3])}" if canary["seen"] else ""
    searched = plural(canary["searched"], "episode")
    return f"contamination: {lineage}hidden tests' canary in {len(canary['seen'])} of {searched}{seen}"


def _title(rows: Sequence[Row]) -> str:
    first = rows[0]
    return f"{first.tasks_from or 'tasks'}: {plural(first.tasks, 'task')}, content {first.suite[:12]}"


def _board(rows: Sequence[Row]) -> list[list[str]]:
    """The head and the rows, as text."""
    heads = ["", "policy", "resolved", "95% interval", "seeds", "pass^k", "milestones", "own mistakes mended",
             "tokens", "seconds", "cost", "backend", "weights", "version", "when"]  # fmt: skip
    return [heads, *([str(place), *_cells(row)] for place, row in enumerate(rows, start=1))]


def _cells(row: Row) -> list[str]:
    each, hat = row.per_solved, row.pass_hat_k.get(len(row.seeds))
    return [
        row.policy, _share(row.resolve_rate), _interval(row.resolve_rate.interval_95), str(len(row.seeds)),
        _share(hat) if hat and len(row.seeds) > 1 else NONE, _share(row.milestone_closure),
        _share(row.self_correction), _number(each.tokens_sampled), _number(each.wall_seconds, 1),
        _number(each.cost, 4), row.backend, row.weights.rpartition(":")[2][:8] or NONE,
        ", ".join(row.versions.get("journeyman", ())), row.at[:10],
    ]  # fmt: skip


def _share(part: Measured) -> str:
    return NONE if part.value is None else f"{part.value:.1%}"


def _interval(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.1%} to {bounds[1]:.1%}"


def _number(amount: float | None, digits: int = 0) -> str:
    return NONE if amount is None else f"{amount:,.{digits}f}"
