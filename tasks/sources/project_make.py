"""From a library to a proven project: measured, planned, written, and proven in the order of its milestones.

    measure (traces) → plan and try → recipe → folder → proof: the reference's functions milestone by milestone

Beside the project's folder, `projects.jsonl` keeps its recipe with the proof.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.harbor import load_task
from journeyman.tasks.sources.baseline import Baseline, measure
from journeyman.tasks.sources.ledger import mend
from journeyman.tasks.sources.library import Library, load_library
from journeyman.tasks.sources.make import MAKING
from journeyman.tasks.sources.milestones import ancestors
from journeyman.tasks.sources.project import Part, ProjectRecipe, build_project
from journeyman.tasks.sources.project_plan import Plan, plan_project
from journeyman.tasks.sources.project_proof import prove_project
from journeyman.tasks.sources.recipe import LibraryLine
from journeyman.tasks.sources.sdist import SourceError
from journeyman.tasks.sources.stubs import Unit
from journeyman.tasks.task import Task, TaskFormatError

PROJECTS = "projects.jsonl"
MOST = 20
LIMIT = 30
"""Milestones of a project: by default, and ever."""
SHOWN_NAMES = 3


@dataclass(slots=True)
class ProjectReport:
    """What was made; `progress` gets it as it goes."""

    requirement: str
    modules: tuple[str, ...]
    folder: Path
    stage: str = "measuring"
    done: int = 0
    of: int = 0
    """Runs of the tests, or gradings, of this stage."""
    resumed: bool = False
    """An earlier run had made it."""
    recipe: ProjectRecipe | None = None
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`."""
        recipe = self.recipe
        return {
            "requirement": self.requirement,
            "modules": list(self.modules),
            "folder": str(self.folder),
            "resumed": self.resumed,
            "seconds": round(self.seconds, 1),
            **({} if recipe is None else {"assurance": recipe.assurance, "proof": recipe.proof, **recipe.facts}),
            "milestones": [
                {"name": p.name, "functions": len(p.functions), "checks": len(p.checks), "depends_on": p.depends_on}
                for p in (recipe.parts if recipe else ())
            ],
        }


def make_project(
    requirement: str,
    *,
    modules: Sequence[str],
    out: Path,
    sandboxes: SandboxFactory,
    most: int = MOST,
    jobs: int = 1,
    progress: Callable[[ProjectReport], None] | None = None,
) -> ProjectReport:
    """Make one proven project below `out`; one that stands there already is taken as it is.

    Args:
        requirement: the library with its exact version, such as "inflection==0.5.1".
        modules: what to stub, such as "toolz.itertoolz"; none: the whole library.
        most: milestones that there may be.
        jobs: gradings that run at once.
        progress: called as it goes.

    Raises:
        SourceError: the library cannot be had, a module is not in it, or no project can be proven.
        SandboxError: no sandbox can be made here.
    """
    return make_project_of(
        load_library(requirement), modules=modules, out=out, sandboxes=sandboxes, most=most, jobs=jobs,
        progress=progress,
    )  # fmt: skip


def make_project_of(
    library: Library,
    *,
    modules: Sequence[str],
    out: Path,
    sandboxes: SandboxFactory,
    most: int = MOST,
    jobs: int = 1,
    progress: Callable[[ProjectReport], None] | None = None,
    measured: Callable[[], Baseline] | None = None,
) -> ProjectReport:
    """As `make_project`, of a library that is ready.

    Args:
        measured: gives what its tests do, where somebody may have measured it already.
    """
    begun = time.monotonic()
    paths = tuple(dict.fromkeys(find_module(library, module) for module in modules)) or library.sources
    name = project_name(library, modules)
    report = ProjectReport(library.sdist.requirement, paths, out / name.replace("/", "-"))
    if (known := _known(name, LibraryLine.of(library), out)) is not None:
        build_projects([known], out)
        report.resumed, report.recipe = True, known
        return report

    def tell(stage: str, done: int, of: int) -> None:
        report.stage, report.done, report.of, report.seconds = stage, done, of, time.monotonic() - begun
        if progress is not None:
            progress(report)

    tell("measuring", 0, 1)
    if measured is not None:
        baseline = measured()
    else:
        with sandboxes.create(library.environment, library.root) as sandbox:
            baseline = measure(library, sandbox)
    with sandboxes.create(library.environment, library.root) as sandbox:
        plan = plan_project(library, baseline, paths, sandbox, most, lambda done, of: tell("trying", done, of))
    recipe = recipe_of(name, library, plan)
    out.mkdir(parents=True, exist_ok=True)
    making = out / f".{report.folder.name}{MAKING}"
    try:
        with ThreadPoolExecutor(jobs) as pool:
            proven = prove_project(
                recipe, library, making, sandboxes, pool, lambda done, of: tell("proving", done, of)
            )  # fmt: skip
        shutil.rmtree(report.folder, ignore_errors=True)
        making.rename(report.folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    keep_project(proven, out)
    report.recipe, report.seconds = proven, time.monotonic() - begun
    return report


def project_name(library: Library, modules: Sequence[str]) -> str:
    """What the project of these modules is called; of none, that of the whole library."""
    named = "-".join(re.sub(r"\W+", "-", module).strip("-_") for module in modules)
    return f"{library.sdist.name}/project" + (f"-{named}" if named else "")


def find_module(library: Library, module: str) -> str:
    """The path of a module of a library: by its dotted name, or as it stands.

    Raises:
        SourceError: it has none of that name; the message names some that it has.
    """
    stem = module.removesuffix(".py").replace(".", "/")
    folders = {str(PurePosixPath(path).parent) for path in library.sources}
    beside = (p.relative_to(library.root).as_posix() for f in sorted(folders) for p in (library.root / f).glob("*.py"))
    # A module that no fault is put in by itself, such as version.py, may be meant all the same.
    for path in (*library.sources, *sorted(set(beside) - {*library.sources, *library.tests})):
        inside = path.removeprefix("src/")
        if stem in {path.removesuffix(".py"), inside.removesuffix(".py"), inside.removesuffix("/__init__.py")}:
            return path
    some = ", ".join(library.sources[:8]) + (", …" if len(library.sources) > 8 else "")
    raise SourceError(f"{library.sdist.requirement}: no module {module!r}; there are: {some}")


def recipe_of(name: str, library: Library, plan: Plan) -> ProjectRecipe:
    """A plan as a recipe, with names."""
    names: list[str] = []
    for group in plan.groups:
        base = re.sub(r"[^a-z0-9]+", "-", _lead(group.functions, plan).qualname.lower()).strip("-") or "part"
        names.append(base if base not in names else f"{base}-{len(names) + 1}")
    parts = tuple(
        Part(
            name=names[number],
            title=_title([plan.units[function] for function in group.functions]),
            functions=group.functions,
            depends_on=tuple(names[parent] for parent in group.depends_on),
            checks=group.tests,
        )
        for number, group in enumerate(plan.groups)
    )
    above = [len(ancestors(plan.groups, number)) for number in range(len(plan.groups))]
    facts = {
        "difficulty": "hard",
        "stubbed_functions": len(plan.units),
        "stubbed_lines": sum(f.lines for unit in plan.units.values() for f in unit.functions),
        "edges": sum(len(group.depends_on) for group in plan.groups),
        "longest_way": max(above),
    }
    return ProjectRecipe(name, LibraryLine.of(library), parts, plan.neighbours, facts=facts)


def _lead(functions: Sequence[str], plan: Plan) -> Unit:
    """The function that names a milestone: the first that is public."""
    units = [plan.units[function] for function in functions]
    return next((unit for unit in units if not unit.qualname.rpartition(".")[2].startswith("_")), units[0])


def _title(units: Sequence[Unit]) -> str:
    shown = sorted(units, key=lambda unit: unit.qualname.rpartition(".")[2].startswith("_"))[:SHOWN_NAMES]
    more = len(units) - len(shown)
    return ", ".join(unit.qualname for unit in shown) + (f" and {more} more" if more else "")


def read_projects(path: Path) -> tuple[ProjectRecipe, ...]:
    """The projects of a file.

    Raises:
        TaskFormatError: a line is none; the message says which.
    """
    found: list[ProjectRecipe] = []
    for number, row in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            found.append(ProjectRecipe.from_dict(json.loads(row)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TaskFormatError(f"{path}, line {number}: not a project ({type(error).__name__}: {error})") from error
    return tuple(found)


def build_projects(
    recipes: Sequence[ProjectRecipe], out: Path, progress: Callable[[int], None] | None = None
) -> tuple[Task, ...]:
    """The projects' folders below `out`; those that stand there already are taken as they are.

    Args:
        progress: called with how many are done.

    Raises:
        SourceError: a library cannot be had.
    """
    tasks: list[Task] = []
    for recipe in recipes:
        place = out / recipe.name.replace("/", "-")
        tasks.append(load_task(place) if (place / "task.toml").is_file() else build_project(recipe, place))
        if progress is not None:
            progress(len(tasks))
    return tuple(tasks)


def _known(name: str, library: LibraryLine, out: Path) -> ProjectRecipe | None:
    """What an earlier run proved of the same archive."""
    if not (out / PROJECTS).is_file():
        return None
    known = (r for r in read_projects(mend(out / PROJECTS)) if r.name == name and r.library == library)
    return next(known, None)


def keep_project(recipe: ProjectRecipe, out: Path) -> None:
    """Add a project's line to those of a folder."""
    mend(out / PROJECTS)
    with (out / PROJECTS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(recipe.to_dict(), ensure_ascii=False, separators=(",", ":")) + "\n")
        file.flush()
        os.fsync(file.fileno())
