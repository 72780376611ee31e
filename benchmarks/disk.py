"""What many tasks of one library take of the disk, beside what one of them takes.

    python benchmarks/disk.py [--library boltons==25.0.0] [--tasks 90] [--json]

Recipes that come along are kept in a fresh place with a fresh cache, and played: first one, then all. Four things are
told apart, files with several names once, as blocks of the disk and as the bytes that they hold:

    shared      archive, unpacked library, environment
    recipes     the recipe file: faults, checks and instructions; all that tasks need to be there
    folders     the tasks' folders, laid from the recipes when somebody asks for them
    templates   what sandboxes start from, once a task is played, and where that is looked up

The last two go a day after the last use: what is left then is measured too, as if that day had passed. The goal: with
many tasks, all but the recipes takes at most 1.2 times what it takes with one, at rest.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from journeyman.sandbox.expiry import UNUSED_S, expire
from journeyman.sandbox.home import home
from journeyman.sandbox.image import environment_of
from journeyman.sandbox.template import with_commit
from journeyman.tasks.sources.laid import laid_tasks
from journeyman.tasks.sources.recipe_file import read_recipes, write_recipes
from journeyman.tasks.sources.suite_file import proven_recipes

GOAL = 1.2
STATES = {
    "at rest": ("shared", "left"),
    "with folders": ("shared", "recipes", "folders"),
    "all played": ("shared", "recipes", "folders", "templates"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", default="boltons==25.0.0", help="NAME==VERSION of a library of the suites")
    parser.add_argument("--tasks", type=int, default=90)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["JOURNEYMAN_HOME"] = f"{folder}/home"
        one, many = (measured(options.library, count, Path(folder)) for count in (1, options.tasks))
    growth = {
        f"{state}, {size}": _sum(many, parts, size) / _sum(one, parts, size)
        for state, parts in STATES.items()
        for size in ("blocks", "bytes")
    }
    if options.json:
        print(json.dumps({"one": one, "many": many, "growth": growth}))
        return
    for each in (one, many):
        parts = ", ".join(
            f"{name} {size['blocks'] / 2**20:.1f} ({size['bytes'] / 2**20:.1f})" for name, size in each.items()
        )
        print(f"{options.library}, MiB of blocks (of bytes): {parts}")
    print("; ".join(f"{state}: {times:.2f} times" for state, times in growth.items()), f"(goal, at rest: {GOAL})")


Sizes = dict[str, dict[str, int]]


def _sum(sizes: Sizes, parts: tuple[str, ...], size: str) -> int:
    return sum(sizes[part][size] for part in parts)


def measured(library: str, count: int, place: Path) -> Sizes:
    """Blocks and bytes by what they are for, with so many tasks, all of which were played."""
    recipes = proven_recipes(library, "mutation")[:count]
    write_recipes(place / "recipes.jsonl", recipes)
    with ProcessPoolExecutor(1) as player:  # what it holds it holds until its end
        player.submit(play, place / "recipes.jsonl").result()
    seen: set[tuple[int, int]] = set()
    parts = {
        "recipes": [place / "recipes.jsonl"],
        "folders": [home("packed")],
        "templates": [home("templates"), home("lookups")],
    }
    shared = [path for path in home().iterdir() if path.name not in ("templates", "packed", "lookups")]
    sizes = {"shared": taken(shared, seen)}
    sizes |= {name: taken(part, seen) for name, part in parts.items()}
    expire(time.time() + 2 * UNUSED_S)
    return sizes | {"left": taken([*parts["folders"], *parts["templates"]], set())}


def play(recipes: Path) -> None:
    """Make what episodes of all the tasks need."""
    tasks = laid_tasks(read_recipes(recipes))
    environment_of(tasks[0].environment)
    for task in tasks:
        with_commit(task.repository)  # as an episode's first sandbox does


def taken(places: Iterable[Path], seen: set[tuple[int, int]]) -> dict[str, int]:
    """What files and folders take that were not seen yet."""
    blocks = size = 0
    for path in (inner for place in places for inner in (place, *place.rglob("*"))):
        found = path.lstat()
        if (found.st_dev, found.st_ino) not in seen:
            seen.add((found.st_dev, found.st_ino))
            blocks, size = blocks + found.st_blocks * 512, size + found.st_size
    return {"blocks": blocks, "bytes": size}


if __name__ == "__main__":
    main()
