"""`journeyman task commits`: proven tasks out of a repository's own history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import (
    FAILED,
    BackendOption,
    JsonOption,
    PythonOption,
    RequirementOption,
    SettingsOption,
    example,
    interruptible,
    print_json,
    say_error,
)
from journeyman.cli_task import app, sandboxes_of
from journeyman.cli_task_add import say_findings
from journeyman.cli_task_make import progress_bar
from journeyman.tasks.sources.commits import CommitsReport, make_commits
from journeyman.terminal import line, out, plural


@app.command(
    epilog=example(
        "journeyman task commits ./my-project --count 20 --requirement attrs==25.1.0",
        "journeyman task commits ./my-project --since v2.0 --out ./my-tasks --json",
    )
)
def commits(
    repository: Annotated[
        Path, typer.Argument(metavar="REPOSITORY", help="Folder of a git repository that you trust; it is only read.")
    ],
    count: Annotated[int, typer.Option(min=1, help="Tasks to make.")] = 10,
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the tasks. Default: tasks/NAME-commits below the current one."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="REV", help="Only commits after this one: a tag, a branch or a hash.")
    ] = None,
    requirement: RequirementOption = None,
    python: PythonOption = "",
    config: SettingsOption = None,
    backend: BackendOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Make proven tasks out of commits that mend something and bring a test for it.

    A task starts from the code before the commit; the commit's tests are hidden, its source is the reference. The
    instruction is what the message says of the trouble, without what gives the fix away. The newest come first.

    What the newest commit's files say of how its tests run holds for all, as for `task add`; `--config` names a file
    that says it instead.

    Interrupted, it keeps what it proved; the same command goes on from there.
    """
    folder = out_folder or Path("tasks") / f"{repository.resolve().name}-commits"
    kept = f"the tasks proven so far are kept in {folder}, and the same command goes on"
    reading = f"reading {line(repository.resolve().name)}"
    with interruptible(kept), progress_bar(reading, None, shown=not as_json) as advance:
        report = make_commits(
            repository, count=count, out=folder, sandboxes=sandboxes_of(backend), since=since, config=config,
            requirements=tuple(requirement or ()), python=python,
            progress=lambda report: advance(report.looked, report.commits, _so_far(report)),
        )  # fmt: skip
    if as_json:
        print_json(report.as_json())
    else:
        _say(report)
    if len(report.kept) < count:
        raise typer.Exit(FAILED)


def _so_far(report: CommitsReport) -> str:
    return f"{plural(len(report.kept), 'task')} of {line(report.repository)}, commits:"


def _say(report: CommitsReport) -> None:
    if report.needs:
        say_findings(report.needs.findings, report.needs.notes)
    earlier = f", {report.resumed} of them earlier" if report.resumed else ""
    out.print(Text(f"{plural(len(report.kept), 'task')} in {report.out}{earlier}", "bold"))
    out.print(Text(f"{report.looked} of {plural(report.commits, 'commit')} looked at in {report.seconds:.0f} s", "dim"))
    for reason, number in report.rejected.most_common():
        out.print(Text(f"  {number:>5} rejected: {line(reason)}", "dim"))
    for reason, number in report.unsplit.most_common():
        out.print(Text(f"  {number:>5} not graded in two sandboxes: {line(reason)}", "dim"))
    if len(report.kept) < report.wanted:
        say_error(f"only {len(report.kept)} of {report.wanted}: its history gives no more")
