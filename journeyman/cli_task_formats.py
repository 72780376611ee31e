"""`journeyman task import|export`: other people's rows as tasks, and tasks as their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import FAILED, CannotError, JsonOption, example, print_json
from journeyman.cli_task import app, find_tasks
from journeyman.cli_task_make import progress_bar
from journeyman.tasks.formats.format import Format, Row
from journeyman.tasks.formats.harbor_steps import export_harbor, import_harbor_tasks
from journeyman.tasks.formats.importing import ImportReport, SetUp, import_rows
from journeyman.tasks.formats.registry import FORMATS, HARBOR, format_named
from journeyman.tasks.formats.repositories import Repositories
from journeyman.tasks.formats.rows import read_rows, write_rows
from journeyman.terminal import err, line, out, plural

SHOWN = 10
"""Rejected rows that are told; `--json` and import.jsonl have all."""

FormatArgument = Annotated[str, typer.Argument(metavar="FORMAT", help=f"One of {', '.join((*FORMATS, HARBOR))}.")]


@app.command(
    "import",
    epilog=example(
        "journeyman task import swe-bench rows.jsonl --repositories ./clones --out ./my-tasks",
        "journeyman task import swe-smith owner/name --split train --limit 20 --repositories ./clones --out ./my-tasks",
    ),
)
def import_tasks(
    kind: FormatArgument,
    rows: Annotated[
        str,
        typer.Argument(
            metavar="ROWS",
            help="A JSON Lines or Parquet file, a folder of them, or a hub data set; for harbor, a folder of tasks.",
        ),
    ],
    out_folder: Annotated[
        Path, typer.Option("--out", help="Folder for the tasks; import.jsonl there tells of each row.")
    ],
    repositories: Annotated[
        Path | None,
        typer.Option(help="Folder of your clones, owner__name.git each; files are read from them, nothing is fetched."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Of a folder or a hub data set: its rows of this split only.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many rows.")] = None,
    python: Annotated[
        str | None, typer.Option(help="Interpreter, such as 3.11, in place of what the rows say.")
    ] = None,
    requirement: Annotated[
        list[str] | None, typer.Option(help="A package that the tests need; may be given several times.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make task folders of published rows. What a row says and a task cannot hold is listed, row by row.

    Prove them with `journeyman task check`: a row says what should fail and pass, not that it does here.

    Exits with 1 when a row could not become a task.
    """
    if repositories is not None and not repositories.is_dir():
        raise CannotError(f"--repositories {repositories}: no such folder; clone there what the rows name")
    report = (
        import_harbor_tasks(Path(rows), out_folder, limit=limit)
        if kind == HARBOR
        else _import(
            kind, rows, out_folder, repositories, split, limit, SetUp(python, tuple(requirement or ())), as_json
        )
    )
    if as_json:
        rejected = [{"row": name, "reason": reason} for name, reason in report.rejected]
        print_json({"out": out_folder, "tasks": report.tasks, "rejected": rejected, "unmapped": report.unmapped})
    else:
        _say_import(report)
    if report.rejected or not report.tasks:
        raise typer.Exit(FAILED)


def _import(
    kind: str,
    rows: str,
    out_folder: Path,
    repositories: Path | None,
    split: str | None,
    limit: int | None,
    set_up: SetUp,
    quiet: bool,
) -> ImportReport:
    wanted = format_named(kind)
    found = read_rows(rows, split=split, limit=limit)
    with progress_bar(f"importing {line(rows)}", limit, shown=not quiet) as advance:
        return import_rows(
            wanted, found, out_folder, Repositories(repositories), set_up=set_up,
            progress=lambda report: advance(report.rows),
        )  # fmt: skip


@app.command("export", epilog=example("journeyman task export swe-bench ./my-tasks --out rows.jsonl"))
def export_tasks(
    kind: FormatArgument,
    tasks: Annotated[str, typer.Argument(metavar="TASKS", help="A task folder, a folder of tasks or a pattern.")],
    out_file: Annotated[
        Path, typer.Option("--out", help="JSON Lines file for the rows, which is replaced; for harbor, a folder.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Write tasks as rows of a format. What of a task such a row has no place for is listed.

    A task that was imported gives the same row again, as long as it still says the same.
    """
    unmapped: Counter[str] = Counter()
    if kind == HARBOR:
        number = _export_harbor(tasks, out_file, unmapped)
    else:
        number = write_rows(_rows_of(tasks, format_named(kind), unmapped), out_file)
    if as_json:
        print_json({"out": out_file, "rows": number, "unmapped": unmapped})
        return
    out.print(Text(f"{plural(number, 'task' if kind == HARBOR else 'row')} in {out_file}", "bold"))
    _say_unmapped(unmapped, "task")


def _rows_of(tasks: str, kind: Format, unmapped: Counter[str]) -> Iterator[Row]:
    for task in find_tasks(tasks):
        exported = kind.write(task)
        unmapped.update(exported.unmapped)
        yield exported.row


def _export_harbor(tasks: str, folder: Path, unmapped: Counter[str]) -> int:
    found = find_tasks(tasks)
    for task in found:
        unmapped.update(export_harbor(task, folder / task.name.replace("/", "__")))
    return len(found)


def _say_import(report: ImportReport) -> None:
    out.print(Text(f"{plural(len(report.tasks), 'task')} of {plural(report.rows, 'row')} in {report.out}", "bold"))
    _say_unmapped(report.unmapped, "row")
    if report.unmapped:
        out.print(Text("  import.jsonl says of each row what it was", "dim"))
    for name, reason in report.rejected[:SHOWN]:
        err.print(Text(f"  {line(name)}: {line(reason)}", "red"), soft_wrap=True)
    if len(report.rejected) > SHOWN:
        err.print(Text(f"  and {len(report.rejected) - SHOWN} more rows; import.jsonl names all", "red"))


def _say_unmapped(unmapped: Counter[str], of_what: str) -> None:
    for said, number in unmapped.most_common():
        out.print(Text(f"  not mapped: {line(said)} ({plural(number, of_what)})", "dim"), soft_wrap=True)
