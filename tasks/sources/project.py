"""A project in a few hundred bytes: a library with functions stubbed, its own tests as milestones. The task folder is
made from it again.

    repository   the library with every function of the milestones stubbed, and about half of their tests cut out
    solution     the stubbed modules as they were
    hidden       the test files as they were
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from journeyman.sandbox.sandbox import Environment, File, Snapshot
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.sources.contract import contract
from journeyman.tasks.sources.hide import choose_hidden, cut, function_of
from journeyman.tasks.sources.library import Library
from journeyman.tasks.sources.recipe import LibraryLine, lay, write_proven
from journeyman.tasks.sources.stubs import Unit, find_units, stub
from journeyman.tasks.task import Budget, Check, CheckKind, Milestone, Task
from journeyman.tasks.verdict import Assurance

STEPS, STEPS_EACH = 40, 10
"""Steps of an episode, and more for each milestone."""


@dataclass(frozen=True, slots=True)
class Part:
    """A milestone: which functions, which checks."""

    name: str
    title: str
    functions: tuple[str, ...]
    """`Unit.id` of each."""
    depends_on: tuple[str, ...]
    checks: tuple[str, ...]


@dataclass(frozen=True)
class ProjectRecipe:
    """One project."""

    name: str
    library: LibraryLine
    parts: tuple[Part, ...]
    """In an order in which each comes after those it depends on."""
    pass_to_pass: tuple[str, ...]
    assurance: str = "split"
    facts: dict[str, Any] = field(default_factory=dict)
    tree: str = ""
    """SHA-256 of the repository that it gives; empty before it was proven."""
    proof: dict[str, Any] = field(default_factory=dict)
    """What was run to prove it: {"reference": "3/3", "noop": "0/3", "in_order": "12/12"}."""

    @property
    def fail_to_pass(self) -> tuple[str, ...]:
        return tuple(check for part in self.parts for check in part.checks)

    @cached_property
    def functions(self) -> dict[str, set[str]]:
        """Module → the qualified names of what is stubbed in it."""
        return by_module(function for part in self.parts for function in part.functions)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `json.dumps`."""
        plain = {name: getattr(self, name) for name in ("name", "pass_to_pass", "assurance", "facts", "tree", "proof")}
        library = {name: getattr(self.library, name) for name in LibraryLine.__slots__}
        parts = [{name: getattr(part, name) for name in Part.__slots__} for part in self.parts]
        return {"project": plain.pop("name"), "library": library, "parts": parts, **plain}

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> ProjectRecipe:
        """Raises KeyError or TypeError where it is none."""
        lists = ("requirements", "pythonpath")
        library = LibraryLine(**{**row["library"], **{name: tuple(row["library"][name]) for name in lists}})
        parts = tuple(
            Part(p["name"], p["title"], tuple(p["functions"]), tuple(p["depends_on"]), tuple(p["checks"]))
            for p in row["parts"]
        )
        plain = {name: row[name] for name in ("assurance", "facts", "tree", "proof")}
        return cls(row["project"], library, parts, tuple(row["pass_to_pass"]), **plain)


def by_module(functions: Iterable[str]) -> dict[str, set[str]]:
    """Module → qualified names, of `Unit.id`s."""
    found: dict[str, set[str]] = {}
    for function in functions:
        path, _, qualname = function.partition("::")
        found.setdefault(path, set()).add(qualname)
    return found


def tree_after(recipe: ProjectRecipe, library: Library, closed: Collection[str]) -> Snapshot:
    """What the reference would have left after these milestones: the functions of the others are stubs."""
    open_ = by_module(f for part in recipe.parts if part.name not in closed for f in part.functions)
    changed = {path: File(stub(library.read(path), open_.get(path, ()))) for path in recipe.functions}
    return Snapshot(tree_hash="", base_hash="", changed=changed)


def build_project(recipe: ProjectRecipe, folder: Path) -> Task:
    """Write a project's task folder; files that stay as they are become hard links where possible.

    Raises:
        SourceError: the library cannot be had, or is not the one that the project was proven on.
    """
    mend = "it was made by another version of Journeyman: make the project again"
    return write_proven(recipe, folder, _lay_out, mend)


def _lay_out(recipe: ProjectRecipe, library: Library, scratch: Path) -> Task:
    all_checks = (*recipe.fail_to_pass, *recipe.pass_to_pass)
    test_files = tuple(dict.fromkeys(test.partition("::")[0] for test in all_checks))
    hidden = hidden_tests(recipe, {path: library.read(path) for path in test_files})
    shown = {path: cut(path, library.read(path), hidden) for path in test_files}
    stubbed = {path: stub(library.read(path), names) for path, names in recipe.functions.items()}
    for name, path in walk(library.root):
        lay(scratch / "repository" / name, {**shown, **stubbed}.get(name), path)
    for name in test_files:
        lay(scratch / "hidden" / name, None, library.root / name)
    for name in stubbed:
        lay(scratch / "solution" / name, None, library.root / name)
    checks = [Check(id=test) for test in recipe.fail_to_pass]
    checks += [Check(id=test, kind=CheckKind.PASS_TO_PASS) for test in recipe.pass_to_pass]
    name, _, version = recipe.library.requirement.partition("==")
    return Task(
        name=recipe.name,
        instruction=_goal(recipe, library, test_files),
        repository=scratch / "repository",
        hidden=scratch / "hidden",
        solution=scratch / "solution",
        environment=Environment(requirements=recipe.library.requirements, pythonpath=recipe.library.pythonpath),
        checks=tuple(checks),
        milestones=tuple(_milestones(recipe, library, shown)),
        editable=library.editable,
        assurance=Assurance(recipe.assurance),
        test_paths=test_files,
        budget=Budget(max_steps=STEPS + STEPS_EACH * len(recipe.parts), episode_timeout_s=3600.0),
        metadata={
            "source": "project", "library": name, "version": version, "licence": recipe.library.licence,
            **recipe.facts, "functions": {part.name: list(part.functions) for part in recipe.parts},
        },
    )  # fmt: skip


def hidden_tests(recipe: ProjectRecipe, tests: dict[str, bytes]) -> tuple[str, ...]:
    """Of each milestone about half of the test functions, never its first."""
    chosen: list[str] = []
    for part in recipe.parts:
        chosen += choose_hidden(part.checks, part.checks[0], tests, random.Random(f"{recipe.name}:{part.name}"))
    return tuple(sorted(set(chosen) - {function_of(part.checks[0]) for part in recipe.parts}))


def _goal(recipe: ProjectRecipe, library: Library, test_files: tuple[str, ...]) -> str:
    """The whole in a few sentences; what each function does is its milestone's business."""
    modules = ", ".join(f"`{path}`" for path in recipe.functions)
    number = sum(len(part.functions) for part in recipe.parts)
    about = f": {library.summary.rstrip('.')}" if library.summary else ""
    tests = ", ".join(f"`{path}`" for path in test_files[:5]) + (", …" if len(test_files) > 5 else "")
    return (
        f"Finish {library.sdist.name}{about}.\n\n"
        f"In {modules} {number} functions hold only their signatures and docstrings and raise `NotImplementedError`. "
        f"Implement them; keep the signatures, and everything else as it is.\n\n"
        f"The work falls into {len(recipe.parts)} parts, each with a contract of its own. Some build on others. "
        f"The library's tests ({tests}) show for each part how it is used; others decide whether it is done."
    )


def _milestones(recipe: ProjectRecipe, library: Library, shown: dict[str, bytes]) -> Iterable[Milestone]:
    sources = {path: library.read(path) for path in recipe.functions}
    units: dict[str, Unit] = {unit.id: unit for path, source in sources.items() for unit in find_units(path, source)}
    titles = {part.name: part.title for part in recipe.parts}
    for part in recipe.parts:
        text = contract([units[name] for name in part.functions], sources, shown)
        if part.depends_on:
            text += f"\n\nIt builds on: {', '.join(titles[name] for name in part.depends_on)}."
        text += f"\n\nOne of its tests is `{function_of(part.checks[0])}`."
        yield Milestone(
            name=part.name, title=part.title, instruction=text, depends_on=part.depends_on, checks=part.checks
        )
