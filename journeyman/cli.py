"""The front door: `journeyman`. Each group of commands stands in a file of its own, `cli_*.py`."""

from __future__ import annotations

from typing import Annotated

import typer

from journeyman import __version__, cli_episode, cli_task
from journeyman.cli_common import Root, example

app = typer.Typer(
    name="journeyman",
    cls=Root,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

TASKS, EPISODES, TRAINING, HOUSE = "Tasks", "Episodes", "Training", "This machine"


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


app.add_typer(cli_task.app, name="task", rich_help_panel=TASKS)
app.command(
    rich_help_panel=EPISODES,
    epilog=example("journeyman replay best", "journeyman replay last --verify", "journeyman replay --all --no-pager"),
)(cli_episode.replay)
app.add_typer(cli_episode.app, name="episode", rich_help_panel=EPISODES)


def main() -> None:
    """What the `journeyman` script and `python -m journeyman` call."""
    app(prog_name="journeyman")
