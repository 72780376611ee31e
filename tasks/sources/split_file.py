"""Recipes of an older mint, proven again in two sandboxes: what could not be split then may be by now.

A file's recipes keep their names, instructions and order. Those that hold at assurance `split` take it on, with the
checks that cross; of the others, which say why not, those that hold at `twins` take that on.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.sources.ledger import mend
from journeyman.tasks.sources.library import load_library
from journeyman.tasks.sources.make import prove_strong
from journeyman.tasks.sources.recipe import Recipe, build_recipe
from journeyman.tasks.sources.recipe_file import library_line, read_libraries, read_recipes, recipe_line
from journeyman.tasks.task import TaskFormatError
from journeyman.tasks.verdict import Assurance

UNFINISHED = ".proving"
"""Ends the name of the file that grows beside the one that is proven."""


@dataclass(slots=True)
class SplitReport:
    """What a run of `split_file` did; `progress` gets it as it grows."""

    recipes: int
    """How many the file holds."""
    done: int = 0
    resumed: int = 0
    """How many of `done` an earlier run had decided."""
    split: Counter[str] = field(default_factory=Counter)
    """Library → how many of its tasks are graded in two sandboxes, those that were before included."""
    unsplit: dict[str, Counter[str]] = field(default_factory=dict)
    """Library → why others are not → how many."""
    twins: int = 0
    """How many of those are graded with twins."""
    seconds: float = 0.0

    def add(self, recipe: Recipe) -> None:
        self.done += 1
        library = recipe.library.requirement
        if recipe.assurance == Assurance.SPLIT:
            self.split[library] += 1
        else:
            self.unsplit.setdefault(library, Counter())[recipe.proof["unsplit"]] += 1
            self.twins += recipe.assurance == Assurance.TWINS

    @property
    def reasons(self) -> Counter[str]:
        """Those of all libraries together."""
        return sum(self.unsplit.values(), Counter())

    def as_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`."""
        return {
            "recipes": self.recipes,
            "resumed": self.resumed,
            "split": self.split.total(),
            "twins": self.twins,
            "unsplit": dict(self.reasons.most_common()),
            "libraries": {
                name: {"split": self.split[name], "unsplit": dict(self.unsplit.get(name, {}))}
                for name in sorted(self.split.keys() | self.unsplit.keys())
            },
            "seconds": round(self.seconds, 1),
        }


def split_file(
    path: Path,
    sandboxes: SandboxFactory,
    *,
    jobs: int = 1,
    progress: Callable[[SplitReport], None] | None = None,
) -> SplitReport:
    """Prove those recipes of a file at `split` that are not yet, and put the outcome in the file's place.

    Until all is decided it grows beside the file, line by line; a run that follows a killed one goes on from there.

    Args:
        jobs: proofs that run at once.
        progress: called after each recipe.

    Raises:
        TaskFormatError: the file, or what an earlier run left beside it, is not what it should be.
        SourceError: a library cannot be had, or is not the one that a task was proven on.
        SandboxError: no sandbox can be made here.
    """
    begun = time.monotonic()
    recipes = read_recipes(path)
    growing = path.with_name(path.name + UNFINISHED)
    decided = read_recipes(mend(growing))
    if [recipe.name for recipe in decided] != [recipe.name for recipe in recipes[: len(decided)]]:
        raise TaskFormatError(f"{growing}: left by a run over other recipes; remove it")
    report = SplitReport(len(recipes), resumed=len(decided))
    for recipe in decided:
        report.add(recipe)
    tests = {}
    for library, names in read_libraries(path):
        load_library(library.requirement, sha256=library.sha256)  # once, before many ask for it
        tests[library.requirement] = names
    begun_with = {library.requirement for library, _ in read_libraries(growing)}
    with growing.open("a", encoding="utf-8") as file, ThreadPoolExecutor(jobs) as pool:
        for recipe in pool.map(partial(_decided, sandboxes=sandboxes), recipes[len(decided) :]):
            library = recipe.library
            if library.requirement not in begun_with:
                begun_with.add(library.requirement)
                file.write(library_line(library, tests[library.requirement]) + "\n")
            file.write(recipe_line(recipe, tests[library.requirement]) + "\n")
            file.flush()
            report.add(recipe)
            report.seconds = time.monotonic() - begun
            if progress is not None:
                progress(report)
    growing.replace(path)
    return report


def _decided(recipe: Recipe, sandboxes: SandboxFactory) -> Recipe:
    """The recipe at `split`, or with why not, at `twins` if that holds."""
    if recipe.assurance == Assurance.SPLIT:
        return recipe
    scratch = Path(tempfile.mkdtemp(dir=home("scratch")))
    try:
        task = build_recipe(recipe, scratch / "task")
        proven, why = prove_strong(recipe, task, scratch / "task", sandboxes)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return replace(recipe, proof={**recipe.proof, "unsplit": why}) if proven is None else proven
