"""Suites: proven tasks that come with Journeyman as recipes, to train on and to be measured by.

    starter    training tasks
    heldout    tasks of other libraries, for evaluation only

No library is in both, so that what is measured is repair, not memory of a code base.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

from journeyman.tasks.harbor import load_task
from journeyman.tasks.sources.make import folder_name
from journeyman.tasks.sources.recipe import Recipe, build_recipe
from journeyman.tasks.sources.recipe_file import read_recipes
from journeyman.tasks.task import Task, TaskError

SUITES = ("starter", "heldout")


def suite_recipes(name: str) -> tuple[Recipe, ...]:
    """The recipes of a suite, in a fixed order in which any first n are a mix of its libraries.

    Raises:
        TaskError: there is no suite of that name.
    """
    if name not in SUITES:
        raise TaskError(f"no suite {name!r}; there are: {', '.join(SUITES)}")
    return mixed(read_recipes(Path(str(files("journeyman.tasks"))) / "suites" / f"{name}.jsonl"))


def build_suite(
    name: str, out: Path, *, count: int | None = None, progress: Callable[[int, int], None] | None = None
) -> tuple[Task, ...]:
    """The suite's tasks as folders below `out`; those that stand there already are taken as they are.

    Args:
        count: only the first so many.
        progress: called with (done, all) after each task.

    Raises:
        TaskError: there is no suite of that name.
        SourceError: a library cannot be had.
    """
    return build_all(suite_recipes(name)[:count], out, progress)


def build_all(
    recipes: Sequence[Recipe], out: Path, progress: Callable[[int, int], None] | None = None
) -> tuple[Task, ...]:
    """As `build_suite`, of any recipes."""
    tasks = []
    for recipe in recipes:
        place = out / folder_name(recipe)
        stands = (place / "task.toml").is_file()
        tasks.append(load_task(place) if stands else build_recipe(recipe, place))
        if progress is not None:
            progress(len(tasks), len(recipes))
    return tuple(tasks)


def mixed(recipes: Sequence[Recipe]) -> tuple[Recipe, ...]:
    """The same recipes with each library's spread evenly over the whole."""
    groups: dict[str, list[Recipe]] = {}
    for recipe in recipes:
        groups.setdefault(recipe.library.requirement, []).append(recipe)
    placed = [((n + 0.5) / len(group), recipe) for group in groups.values() for n, recipe in enumerate(group)]
    return tuple(recipe for _, recipe in sorted(placed, key=lambda pair: pair[0]))
