"""`journeyman task new`: a task folder to begin with, whole and proven, and what to do with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import JsonOption, example, print_json
from journeyman.cli_task import app
from journeyman.tasks.sources.template import BUG, LANGUAGES, PROJECT, new_task
from journeyman.terminal import line, out

__all__ = ["app"]

STEPS = (
    ("environment/repository/", "your program, small but whole, with tests of what works"),
    ("solution/files/", "the files that the reference changes, whole, at the same paths"),
    ("instruction.md", "the issue as a user would file it: what is wrong, never where"),
    ("steps/NAME/instruction.md", "a milestone's contract, precise enough to pass its tests"),
    ("tests/files/", "the hidden tests: they fail before, pass after, and refuse wrong solutions"),
    ("task.toml", "what may be edited, and which checks must come to pass or stay passing"),
)
"""Part of a task's folder → what belongs there, in the order in which to write it."""


@app.command(
    epilog=example("journeyman task new late-fees", "journeyman task new acme/parser --project --out ./my-tasks")
)
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The task's name, such as late-fees or acme/late-fees.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder in which the task's folder is made.")] = Path(
        "tasks"
    ),
    project: Annotated[bool, typer.Option("--project", help="A project of three milestones instead of a bug.")] = False,
    language: Annotated[str, typer.Option(help=f"Language of the repository: {', '.join(LANGUAGES)}.")] = "python",
    as_json: JsonOption = False,
) -> None:
    """Begin a task by hand: makes a folder with a small example, proven as it stands, for you to replace bit by bit.

    `journeyman task check` proves the task at any time, and says what is left of the example.
    """
    kind = PROJECT if project else BUG
    task = new_task(name, out_folder, kind=kind, language=language)
    folder = task.repository.parent.parent
    if as_json:
        print_json({"task": task.name, "folder": folder, "kind": kind})
        return
    shown = line(str(out_folder / folder.name))
    out.print(Text(f"{shown}: {'a project of three milestones' if project else 'a bug'}, to be replaced", "bold"))
    out.print(Text("Write, in this order:", "dim"))
    for place, what in STEPS:
        if project or not place.startswith("steps/"):
            out.print(Text.assemble(f"  {place:26}", (what, "dim")), soft_wrap=True)
    out.print(Text("Then, and whenever you like:", "dim"))
    for command, why in (
        ("show", "what a policy is asked"),
        ("check", "the proof, and what is left of the example"),
        ("audit", "what it is worth as a source of reward"),
    ):
        out.print(Text.assemble(f"  journeyman task {command} {shown}  ", (why, "dim")), soft_wrap=True)
