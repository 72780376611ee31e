"""Tasks straight out of a recipe file: their folders are laid in the cache when they are asked for, and may be pruned.

    packed/<digest>/<digest of a recipe>/…     a task folder; what a library's tasks have in common are hard links

So a hundred tasks of a library take little more of the disk than one. What they take while they are played, templates
and folders, goes a day after the last use (`expiry`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from journeyman.tasks.harbor import load_task
from journeyman.tasks.packed import digest_of, laid
from journeyman.tasks.sources.recipe import Recipe, build_recipe
from journeyman.tasks.sources.recipe_file import library_line, recipe_line
from journeyman.tasks.task import Task


def laid_tasks(recipes: Iterable[Recipe]) -> tuple[Task, ...]:
    """The recipes' tasks, in their order; those that are in the cache are taken from there.

    Raises:
        SourceError: a library cannot be had, or is not the one that its tasks were proven on.
    """
    return tuple(map(_laid_task, recipes))


def _laid_task(recipe: Recipe) -> Task:
    library = library_line(recipe.library, ())
    place = laid(digest_of(library.encode()), f"tasks of {recipe.library.requirement}", lambda _: None)
    tests = tuple(dict.fromkeys((*recipe.fail_to_pass, *recipe.pass_to_pass)))
    folder = place / digest_of("\0".join((library, *tests, recipe_line(recipe, tests))).encode())
    if not (folder / "task.toml").is_file():
        work = Path(tempfile.mkdtemp(prefix=".new-", dir=place))
        try:
            build_recipe(recipe, work / "task")
            with suppress(OSError):  # another process was faster, with the same
                (work / "task").rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return load_task(folder)
