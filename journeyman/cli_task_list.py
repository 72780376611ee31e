"""`journeyman task list`: tasks by language, source, difficulty, library, and by how often they are solved."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from journeyman.cli_common import CannotError, JsonOption, example, find_run, find_runs, print_json
from journeyman.cli_task import app, describe, find_tasks
from journeyman.envs.store import EpisodeStore
from journeyman.tasks.facts import LANGUAGES, Wanted, difficulty_of, language_of, source_of
from journeyman.tasks.harbor import bundled_tasks
from journeyman.tasks.task import Task
from journeyman.terminal import line, out, plural, said

__all__ = ["app"]

Solved = dict[str, tuple[int, int]]
"""By a task's name: how many of its scored episodes are resolved, and how many there are."""


@app.command(
    "list",
    epilog=example(
        "journeyman task list",
        "journeyman task list ./my-tasks --difficulty hard",
        "journeyman task list --solved 20..80",
    ),
)
def list_tasks(
    where: Annotated[str | None, typer.Argument(metavar="[FOLDER]", help="Default: the bundled library.")] = None,
    language: Annotated[str | None, typer.Option(help=f"{', '.join(LANGUAGES)}.")] = None,
    source: Annotated[
        str | None, typer.Option(help="mutation, removal, commit, project, template, or a format that was imported.")
    ] = None,
    difficulty: Annotated[str | None, typer.Option(help="easy, medium or hard.")] = None,
    library: Annotated[str | None, typer.Option(help="NAME or NAME==VERSION.")] = None,
    solved: Annotated[
        str | None, typer.Option(metavar="LOW..HIGH", help="Share of scored episodes that are resolved, in per cent.")
    ] = None,
    runs: Annotated[
        list[Path] | None, typer.Option("--run", help="Run folder whose episodes count. Default: all below ./runs.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List tasks: the bundled library, or those of a folder; all, or those that are looked for."""
    bounds = None if solved is None else _bounds(solved)
    rates = _rates([find_run(run) for run in runs] if runs else _every_run()) if runs or bounds else None
    wanted = Wanted(language, source, difficulty, library)
    tasks = bundled_tasks() if where is None else find_tasks(where)
    found = [task for task in tasks if wanted.takes(task) and _is_within(task, bounds, rates or {})]
    if as_json:
        print_json([describe(task) | _solved(task, rates) for task in found])
        return
    if found:
        out.print(_table(found, rates))
    of_all = f" of {len(tasks)}" if len(found) < len(tasks) else ""
    out.print(Text(f"{plural(len(found), 'task')}{of_all}", "dim"))


def _table(tasks: list[Task], rates: Solved | None) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("task", no_wrap=True, min_width=max(len(task.name) for task in tasks))
    languages = [language_of(task) for task in tasks]
    shown = {
        "language": languages if len(set(languages)) > 1 else [],
        "source": [source_of(task) for task in tasks],
        "missing": [task.infeasible.kind if task.infeasible else "–" for task in tasks] if _cannot(tasks) else [],
        "difficulty": [difficulty_of(task) or "–" for task in tasks],
        "solved": ["/".join(map(str, rates.get(task.name, ("–",)))) for task in tasks] if rates is not None else [],
    }
    columns = {name: cells for name, cells in shown.items() if cells}
    for name, cells in columns.items():
        table.add_column(name, no_wrap=True, min_width=max(len(name), *map(len, cells)))
    table.add_column("milestones", justify="right", min_width=len("milestones"))
    table.add_column("checks", justify="right", min_width=len("checks"))
    table.add_column("what is asked", no_wrap=True, overflow="ellipsis", max_width=90)
    for number, task in enumerate(tasks):
        first = next(row for row in task.instruction.splitlines() if row.strip()).lstrip("# ")
        facts = [Text(line(cells[number])) for cells in columns.values()]
        table.add_row(
            Text(line(task.name)), *facts, str(len(task.milestones) or "–"), str(len(task.checks)), said(line(first))
        )
    return table


def _cannot(tasks: list[Task]) -> bool:
    """Whether one of them cannot be done."""
    return any(task.infeasible is not None for task in tasks)


def _bounds(said: str) -> tuple[float, float]:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?)", said)
    if match is None or not float(match[1]) <= float(match[2]) <= 100:
        raise CannotError(f"--solved {said}: two shares in per cent, the lower first, such as 20..80")
    return float(match[1]), float(match[2])


def _every_run() -> list[Path]:
    return find_runs() or [find_run(None)]  # the last says that there is none


def _rates(folders: Iterable[Path]) -> Solved:
    found: Solved = {}
    for folder in folders:
        for episode in EpisodeStore(folder).summaries():
            if episode.reward is not None:  # a fault of ours says nothing about the task
                resolved, scored = found.get(episode.task, (0, 0))
                found[episode.task] = resolved + (episode.resolved is True), scored + 1
    return found


def _is_within(task: Task, bounds: tuple[float, float] | None, rates: Solved) -> bool:
    if bounds is None:
        return True
    resolved, scored = rates.get(task.name, (0, 0))
    return scored > 0 and bounds[0] <= 100 * resolved / scored <= bounds[1]


def _solved(task: Task, rates: Solved | None) -> dict[str, object]:
    resolved, scored = (rates or {}).get(task.name, (0, 0))
    return {} if rates is None else {"solved": {"resolved": resolved, "scored": scored}}
