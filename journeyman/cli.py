"""The front door: `journeyman`. Each group of commands stands in a file of its own, `cli_*.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from journeyman import __version__, cli_doctor, cli_episode, cli_run, cli_task, cli_task_make
from journeyman.cli_common import Root, example

app = typer.Typer(
    name="journeyman",
    cls=Root,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

TASKS, EPISODES, HOUSE = "Tasks", "Episodes", "This machine"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"journeyman {__version__}")
        raise typer.Exit


@app.callback(epilog=example("journeyman task list", "journeyman run TASK --policy oracle", "journeyman replay last"))
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """The gym in which coding models learn to handle whole projects: tasks, episodes, training."""


def _add(panel: str, command: Callable[..., None], name: str, *examples: str, to: typer.Typer = app) -> None:
    to.command(name, rich_help_panel=panel, epilog=example(*examples))(command)


_add(
    "Commands", cli_task_make.check, "check",
    "journeyman task check till-line-rounding", "journeyman task check ./my-tasks --runs 5",
    to=cli_task.app,
)  # fmt: skip
_add(
    "Commands", cli_task_make.mint_tasks, "mint",
    "journeyman task mint inflection==0.5.1 --count 50", "journeyman task mint toolz==1.0.0 --out ./my-tasks --seed 7",
    to=cli_task.app,
)  # fmt: skip
_add(
    "Commands", cli_task_make.build, "build",
    "journeyman task build ./my-tasks/recipes.jsonl --out ./again",
    to=cli_task.app,
)  # fmt: skip
app.add_typer(cli_task.app, name="task", rich_help_panel=TASKS)
_add(
    EPISODES, cli_run.run, "run",
    "journeyman run till-line-rounding --policy oracle",
    "journeyman run ./my-tasks --policy local:smollm2-135m --episodes 8",
    "journeyman run till-line-rounding --policy endpoint:http://localhost:8000/v1#qwen --set max_steps=20",
)  # fmt: skip
_add(
    EPISODES, cli_episode.replay, "replay",
    "journeyman replay best", "journeyman replay last --verify", "journeyman replay --all --no-pager",
)  # fmt: skip
app.add_typer(cli_episode.app, name="episode", rich_help_panel=EPISODES)
_add(HOUSE, cli_doctor.doctor, "doctor", "journeyman doctor", "journeyman doctor --json")


def main() -> None:
    """What the `journeyman` script and `python -m journeyman` call."""
    app(prog_name="journeyman")
