"""`journeyman suite`: many tasks of many libraries, as one file asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import FAILED, BackendOption, JsonOption, example, interruptible, print_json
from journeyman.cli_task import sandboxes_of
from journeyman.cli_task_make import progress_bar
from journeyman.tasks.sources.suite_card import CARD, PAGE
from journeyman.tasks.sources.suite_file import read_suite
from journeyman.tasks.sources.suite_make import SuiteReport, make_suite
from journeyman.terminal import line, out, plural

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Make suites: tasks of many libraries.")


@app.callback()
def suite() -> None:
    """Make suites: tasks of many libraries."""


@app.command(
    epilog=example(
        "journeyman suite build starter --out ./starter --jobs 2",
        "journeyman suite build ./my-suite.toml --out ./my-suite",
        "journeyman suite build heldout --out ./heldout --proven",
    )
)
def build(
    name: Annotated[str, typer.Argument(metavar="SUITE", help="starter, heldout, or a TOML file that asks for tasks.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the tasks; what stands there stays.")],
    library: Annotated[
        list[str] | None, typer.Option(help="Only this library of the suite; again for more. Default: all.")
    ] = None,
    proven: Annotated[
        bool, typer.Option("--proven", help="Only what comes along proven; nothing new is made.")
    ] = False,
    backend: BackendOption = "auto",
    jobs: Annotated[int, typer.Option(min=1, help="Libraries in hand at once.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Make what a suite's file asks for: single faults, removals and projects, each proven, and a data card of it all.

    What comes along proven is taken as it is, the rest is made. CARD.md and card.json say what is there, of what and
    under which licence, how it was proven, and what was not made and why.

    Interrupted, it keeps what it proved; the same command goes on from there. Exits with 1 when there are fewer tasks
    than asked for.
    """
    wanted = read_suite(name).total
    kept = f"the tasks proven so far are kept in {out_folder}, and the same command goes on"
    with interruptible(kept), progress_bar(f"building {line(name)}", wanted, shown=not as_json) as advance:

        def tell(report: SuiteReport) -> None:
            advance(report.total, report.wanted, f"building {line(', '.join(report.at_work) or name)}")

        report = make_suite(
            name, out_folder, sandboxes_of(backend), jobs=jobs, only=library or (), proven_only=proven, progress=tell
        )  # fmt: skip
    if as_json:
        print_json({
            "out": out_folder, "card": out_folder / CARD, "wanted": report.wanted, "tasks": report.total,
            "by_library": report.kept, "failed": report.failed,
        })  # fmt: skip
    else:
        out.print(Text(f"{plural(report.total, 'task')} of {report.wanted} in {out_folder}", "bold"))
        for each, reason in report.failed.items():
            out.print(Text(f"  {line(each)}: {line(reason)}", "red"), soft_wrap=True)
        out.print(Text(f"what is there, and what is not and why: {out_folder / PAGE}", "dim"))
    if report.total < report.wanted and not proven:
        raise typer.Exit(FAILED)
