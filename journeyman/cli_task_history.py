"""`journeyman task history`: a line of real commits as one long project, a milestone a piece of work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import (
    BackendOption,
    JsonOption,
    PythonOption,
    RequirementOption,
    SettingsOption,
    example,
    interruptible,
    print_json,
)
from journeyman.cli_task import app, milestone_tree, sandboxes_of
from journeyman.cli_task_add import say_findings
from journeyman.cli_task_make import progress_bar
from journeyman.tasks.sources.history_make import HistoryReport, make_history
from journeyman.tasks.sources.project_make import LIMIT
from journeyman.tasks.sources.project_plan import LEAST
from journeyman.tasks.task import Task
from journeyman.terminal import line, out, plural

__all__ = ["app"]


@app.command(
    epilog=example(
        "journeyman task history ./my-project",
        "journeyman task history ./my-project --from v1.0 --to v1.1 --max-milestones 20",
    )
)
def history(
    repository: Annotated[
        Path, typer.Argument(metavar="REPOSITORY", help="Folder of a git repository that you trust; it is only read.")
    ],
    since: Annotated[
        str | None, typer.Option("--from", metavar="REV", help="Start from this commit. Default: as late as can be.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="REV", help="The last commit. Default: HEAD.")] = None,
    most: Annotated[
        int, typer.Option("--max-milestones", min=LEAST, max=LIMIT, help="Milestones that there may be.")
    ] = 12,
    out_folder: Annotated[Path, typer.Option("--out", help="Folder in which the task's folder is made.")] = Path(
        "tasks"
    ),
    requirement: RequirementOption = None,
    python: PythonOption = "",
    config: SettingsOption = None,
    backend: BackendOption = "auto",
    jobs: Annotated[int, typer.Option(min=1, help="Gradings that run at once.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Make one long project out of a repository's commits: a milestone for each piece of work that brought tests.

    The task starts before the first of them. A milestone's hidden tests are those that its commits brought, and that
    fail before and pass ever after. Its contract is their messages without what gives the answer away, and the
    signatures of what is new. It depends on the earlier ones without which its tests were seen to fail.
    """
    kept = "nothing is left of the unfinished project"
    name = line(repository.resolve().name)
    with interruptible(kept), progress_bar(f"reading {name}", None, shown=not as_json) as advance:
        report = make_history(
            repository, out=out_folder, sandboxes=sandboxes_of(backend), since=since, until=until, most=most,
            config=config, requirements=tuple(requirement or ()), python=python, jobs=jobs,
            progress=lambda report: advance(report.done, report.of, f"{report.stage} {name}"),
        )  # fmt: skip
    if as_json:
        print_json(report.as_json())
    elif report.task is not None:
        _say(report, report.task)


def _say(report: HistoryReport, task: Task) -> None:
    if report.needs:
        say_findings(report.needs.findings, report.needs.notes)
    earlier = " (made earlier)" if report.resumed else f" in {report.seconds:.0f} s"
    out.print(Text(f"{report.folder}{earlier}", "bold"))
    out.print(milestone_tree(task))
    proof = task.metadata["proof"]
    out.print(
        Text(
            f"{plural(len(task.milestones), 'milestone')} of {plural(report.steps, 'piece')} of work, "
            f"{report.first[:8]} to {report.last[:8]}; proven at {task.assurance}: reference {proof['reference']}, "
            f"nothing {proof['noop']}, closed in order {proof['in_order']}",
            "dim",
        ),
        soft_wrap=True,
    )
