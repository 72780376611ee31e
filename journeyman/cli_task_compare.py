"""`journeyman task compare`: is a held-out set apart from a training set?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import FAILED, JsonOption, example, print_json
from journeyman.cli_task import app, find_tasks, recipes_of
from journeyman.cli_task_make import progress_bar
from journeyman.tasks.sources.likeness import KINDS, Kinship, Likeness, compare, likeness_of, likeness_of_recipe
from journeyman.tasks.sources.suites import SUITES, suite_recipes
from journeyman.tasks.task import Task
from journeyman.terminal import line, out, plural

__all__ = ["app"]

SHOWN = 5
"""Tasks that are told of each reason; `--json` has all."""


@app.command(
    "compare", epilog=example("journeyman task compare starter heldout", "journeyman task compare ./mine ./measure")
)
def compare_sets(
    trained: Annotated[str, typer.Argument(metavar="TRAINED", help="A suite, a recipe file, or a folder of tasks.")],
    heldout: Annotated[str, typer.Argument(metavar="HELDOUT", help="The set to measure by; named in the same ways.")],
    as_json: JsonOption = False,
) -> None:
    """See that no task of a held-out set is kin of one that is trained on.

    Kin are tasks with the same repository and checks, faults in the same function of one library (whatever its
    version), other tasks of the same library, and near duplicates: changes and functions that read alike.

    Exits with 1 when any is.
    """
    sets = [_likenesses(where, shown=not as_json) for where in (trained, heldout)]
    found = compare(*sets)
    if as_json:
        print_json({"trained": len(sets[0]), "heldout": len(sets[1]), "kin": found})
    else:
        _say(found, *map(len, sets))
    if found:
        raise typer.Exit(FAILED)


def _likenesses(where: str, *, shown: bool) -> list[Likeness]:
    recipes = suite_recipes(where) if where in SUITES else recipes_of(Path(where)) if Path(where).is_file() else ()
    tasks = () if recipes else find_tasks(where)
    made: list[Likeness] = []
    with progress_bar(f"reading {line(where)}", len(recipes) or len(tasks), shown=shown) as advance:
        for each in recipes or tasks:
            made.append(likeness_of(each) if isinstance(each, Task) else likeness_of_recipe(each))
            advance(len(made))
    return made


def _say(found: tuple[Kinship, ...], trained: int, heldout: int) -> None:
    if not found:
        out.print(Text(f"apart: none of {heldout} held-out tasks is kin of {plural(trained, 'task')}", "green"))
        return
    counts = Counter(kinship.kind for kinship in found)
    out.print(Text(f"{len(found)} of {plural(heldout, 'held-out task')} have kin that is trained on", "red"))
    for kind in KINDS:
        if counts[kind]:
            out.print(Text(f"{kind}: {counts[kind]}", "bold"))
        for kinship in [each for each in found if each.kind == kind][:SHOWN]:
            out.print(Text(f"  {line(kinship.heldout)}  {line(kinship.trained)}  {line(kinship.what)}", "dim"))
        if counts[kind] > SHOWN:
            out.print(Text(f"  … and {counts[kind] - SHOWN} more", "dim"))
