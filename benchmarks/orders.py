"""Whether projects close their milestones in any order that the edges allow, and which need what they build on.

    python benchmarks/orders.py DIR [--least 8] [--orders 2] [--jobs 1] [--backend namespace] [--json]

Of each project below DIR (`projects.jsonl`) with so many milestones or more, the reference's functions are put in
milestone by milestone: in the order of its recipe, then in others that its edges allow. After each, the whole is
graded, and exactly the milestones so far may be closed. Nothing but the checks says so: grader and environment know no
order. At last the functions of each milestone that builds on others are put in alone: where that closes it, its tests
enter those others, as the traces say, and pass without them.
What became of a project is a line of DIR/orders.jsonl; a second run takes those that are missing.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.grading import grade
from journeyman.tasks.sources.ledger import mend
from journeyman.tasks.sources.library import load_library
from journeyman.tasks.sources.project import Part, ProjectRecipe, tree_after
from journeyman.tasks.sources.project_make import PROJECTS, build_projects, read_projects

LEDGER = "orders.jsonl"
LATE = 0.8
"""How often the last of the milestones that are ready goes next, where the recipe takes the first."""


def order_of(parts: Sequence[Part], seed: str) -> list[str]:
    """An order in which each milestone comes after those it builds on, unlike that of the recipe."""
    rng, left, done = random.Random(seed), {part.name: set(part.depends_on) for part in parts}, list[str]()
    while left:
        ready = [name for name, needs in left.items() if needs <= set(done)]
        done.append(ready[-1] if rng.random() < LATE else rng.choice(ready))
        del left[done[-1]]
    return done


def states(recipe: ProjectRecipe, orders: int) -> Iterator[tuple[str, list[str], set[str]]]:
    """(what is tried, milestones whose functions are put in, milestones that must be closed then)."""
    own = [part.name for part in recipe.parts]
    others = (order_of(recipe.parts, f"{recipe.name}:{number}") for number in range(1, orders))
    for number, order in enumerate((own, *others), start=1):
        for end in range(1, len(order) + 1):
            yield f"order {number}", order[:end], set(order[:end])
    for part in recipe.parts:
        if part.depends_on:
            yield "alone", [part.name], set()


def tried(
    recipe: ProjectRecipe, folder: Path, orders: int, sandboxes: SandboxFactory, pool: Executor
) -> dict[str, Any]:
    """What became of a project: of each thing that was tried, how many states were as they must be."""
    library = load_library(recipe.library.requirement, sha256=recipe.library.sha256)
    (task,) = build_projects([recipe], folder)
    right: dict[str, list[bool]] = {}
    odd: list[dict[str, Any]] = []
    wanted = list(states(recipe, orders))

    def closed(state: tuple[str, list[str], set[str]]) -> set[str]:
        verdict = grade(task, tree_after(recipe, library, state[1]), sandboxes)
        return {name for name, done in verdict.milestones.items() if done}

    for (what, put_in, due), found in zip(wanted, pool.map(closed, wanted), strict=True):
        right.setdefault(what, []).append(found == due)
        if found != due:
            odd.append({"tried": what, "in": put_in, "missing": sorted(due - found), "early": sorted(found - due)})
    shown = {what: f"{sum(each)}/{len(each)}" for what, each in right.items()}
    return {"project": recipe.name, "tree": recipe.tree, "milestones": len(recipe.parts), "tried": shown, "odd": odd}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", type=Path, nargs="?", default=Path("build"), help="a folder, such as a built suite")
    parser.add_argument("--least", type=int, default=8, help="milestones that a project must have")
    parser.add_argument("--orders", type=int, default=2)
    parser.add_argument("--backend", default="namespace")
    parser.add_argument("--jobs", type=int, default=1, help="gradings at once")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = [(r, path.parent) for path in sorted(options.place.rglob(PROJECTS)) for r in read_projects(path)]
    wanted = [(recipe, folder) for recipe, folder in found if len(recipe.parts) >= options.least]
    options.place.mkdir(exist_ok=True)
    ledger = mend(options.place / LEDGER)
    rows = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]
    known, sandboxes = {row["tree"]: row for row in rows}, open_backend(options.backend)
    for recipe, folder in wanted:
        if (row := known.get(recipe.tree)) is None:
            with ThreadPoolExecutor(options.jobs) as pool:
                row = known[recipe.tree] = tried(recipe, folder, options.orders, sandboxes, pool)
            with ledger.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, separators=(",", ":")) + "\n")
        if not options.json:
            said = ", ".join(f"{what} {right}" for what, right in row["tried"].items())
            print(f"{row['project']:44} {row['milestones']:3} milestones: {said}", flush=True)
    shown = [known[recipe.tree] for recipe, _ in wanted]
    sound = sum(all(each["tried"] == "alone" for each in row["odd"]) for row in shown)
    print(json.dumps(shown) if options.json else f"{sound} of {len(shown)} projects close in every order as they must")
    return 0


if __name__ == "__main__":
    sys.exit(main())
