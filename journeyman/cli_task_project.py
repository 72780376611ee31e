"""`journeyman task project`: a library's modules stubbed, its own tests as the milestones of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import BackendOption, CannotError, JsonOption, example, interruptible, print_json
from journeyman.cli_task import sandboxes_of
from journeyman.cli_task_audit import app
from journeyman.cli_task_make import progress_bar
from journeyman.tasks.sources.project import ProjectRecipe
from journeyman.tasks.sources.project_make import LIMIT, MOST, ProjectReport, make_project
from journeyman.tasks.sources.project_plan import LEAST
from journeyman.terminal import line, out, plural

__all__ = ["app"]


@app.command(
    epilog=example(
        "journeyman task project inflection==0.5.1",
        "journeyman task project toolz==1.0.0 --module toolz.itertoolz --module toolz.dicttoolz --out ./my-tasks",
    )
)
def project(
    requirement: Annotated[str, typer.Argument(metavar="NAME==VERSION", help="A library of the package index.")],
    module: Annotated[
        list[str] | None,
        typer.Option(help="A module to stub, such as toolz.itertoolz; again for more. Default: the whole library."),
    ] = None,
    out_folder: Annotated[Path, typer.Option("--out", help="Folder in which the task's folder is made.")] = Path(
        "tasks"
    ),
    most: Annotated[int, typer.Option("--most", min=LEAST, max=LIMIT, help="Milestones that there may be.")] = MOST,
    backend: BackendOption = "auto",
    jobs: Annotated[int, typer.Option(min=1, help="Gradings that run at once.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Make a proven project of many milestones: functions of a library are stubbed, its own tests close them again.

    Traces of the tests say which functions become testable together and which build on which. The proof puts the
    reference's functions back milestone by milestone: each time exactly the checks of the closed ones must pass.
    """
    name, pinned, version = requirement.partition("==")
    if not (name and pinned and version):
        raise CannotError(f"{requirement}: name a library with its exact version, such as inflection==0.5.1")
    kept = "nothing is left of the unfinished project"
    with interruptible(kept), progress_bar(f"measuring {line(requirement)}", None, shown=not as_json) as advance:

        def tell(report: ProjectReport) -> None:
            advance(report.done, report.of, f"{report.stage} {line(requirement)}")

        report = make_project(
            requirement, modules=module or (), out=out_folder, sandboxes=sandboxes_of(backend), most=most,
            jobs=jobs, progress=tell,
        )  # fmt: skip
    if as_json:
        print_json(report.as_json())
    elif report.recipe is not None:
        _say_project(report, report.recipe)


def _say_project(report: ProjectReport, recipe: ProjectRecipe) -> None:
    earlier = " (made earlier)" if report.resumed else f" in {report.seconds:.0f} s"
    out.print(Text(f"{report.folder}{earlier}", "bold"))
    for part in recipe.parts:
        text = Text(f"  {line(part.title)}")
        text.append(f"  {plural(len(part.functions), 'function')}, {plural(len(part.checks), 'check')}", "dim")
        if part.depends_on:
            text.append(f", after {', '.join(part.depends_on)}", "dim")
        out.print(text, soft_wrap=True)
    number, proof = len(recipe.parts), recipe.proof
    out.print(
        Text(
            f"{plural(number, 'milestone')}, {recipe.facts['stubbed_functions']} functions of "
            f"{recipe.facts['stubbed_lines']} lines; proven at {recipe.assurance}: reference {proof['reference']}, "
            f"nothing {proof['noop']}, closed in order {proof['in_order']}",
            "dim",
        ),
        soft_wrap=True,
    )
