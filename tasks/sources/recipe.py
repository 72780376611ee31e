"""A minted task in a few hundred bytes: library, fault, checks, instruction. The task folder is made from it again.

So hundreds of proven tasks travel in a package, with no line of the libraries but those that a fault replaces.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import Environment
from journeyman.tasks.harbor import save_task
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.sources.hide import cut
from journeyman.tasks.sources.library import Library, load_library
from journeyman.tasks.sources.operators.mutation import Mutation
from journeyman.tasks.sources.sdist import SourceError
from journeyman.tasks.task import Budget, Check, CheckKind, Task
from journeyman.tasks.verdict import Assurance

PYTHON = Environment().python
BUDGET = Budget(max_steps=20, command_timeout_s=30.0, grading_timeout_s=60.0, episode_timeout_s=600.0)


@dataclass(frozen=True, slots=True)
class LibraryLine:
    """The library that tasks were made from."""

    requirement: str
    sha256: str
    """Of the source distribution."""
    licence: str
    requirements: tuple[str, ...]
    pythonpath: tuple[str, ...]
    python: str = PYTHON
    toolchain: str = ""

    @classmethod
    def of(cls, library: Library) -> LibraryLine:
        environment = library.environment
        facts = (library.sdist.requirement, library.sdist.sha256, library.licence)
        return cls(*facts, environment.requirements, environment.pythonpath, environment.python, environment.toolchain)

    @property
    def environment(self) -> Environment:
        return Environment(self.python, self.requirements, pythonpath=self.pythonpath, toolchain=self.toolchain)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One minted task."""

    name: str
    library: LibraryLine
    mutation: Mutation
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    hidden: tuple[str, ...]
    """Test functions that are cut out of the files the policy sees."""
    instruction: str
    facts: dict[str, Any]
    """What cannot be told from the rest: key, function_lines, named_function, fault_in_named_function, failing_tests,
    difficulty."""
    tree: str = ""
    """SHA-256 of the repository that the recipe gives (`tree_hash`); empty before it was first built."""
    proof: dict[str, Any] = field(default_factory=dict)
    """What was run to prove it: {"reference": "3/3", "noop": "0/3"}; with "unsplit": why its assurance is "fresh"."""
    assurance: str = "fresh"
    """As it was proven; before that nothing better is known."""

    @property
    def source(self) -> str:
        """What made it: "mutation" or "removal"."""
        return "removal" if self.mutation.operator.startswith("removed_") else "mutation"

    @property
    def metadata(self) -> dict[str, Any]:
        """`Task.metadata`: the facts with what the library and the mutation say."""
        name, _, version = self.library.requirement.partition("==")
        fault = self.mutation.to_dict()
        shown = {key: fault[key] for key in ("operator", "function", "path", "line", "one_line")}
        origin = {"source": self.source, "library": name, "version": version, "licence": self.library.licence}
        return {**origin, **shown, **self.facts}


def build_recipe(recipe: Recipe, folder: Path) -> Task:
    """Write a recipe's task folder; files that stay as they are become hard links where possible.

    Raises:
        SourceError: the library cannot be had, or is not the one that the task was proven on.
    """
    return write_proven(recipe, folder, _lay_out, "the recipe was made by another version of Journeyman: mint it again")


class Proven(Protocol):
    """What is proven of a library, and so can be written down again."""

    @property
    def name(self) -> str: ...

    @property
    def library(self) -> LibraryLine: ...

    @property
    def tree(self) -> str:
        """Hash of the repository that was proven; empty if none was yet."""
        ...


P = TypeVar("P", bound=Proven)


def write_proven(recipe: P, folder: Path, lay_out: Callable[[P, Library, Path], Task], mend: str) -> Task:
    """Write the task folder that `lay_out` lays in a folder of scratch, and see that it is what was proven.

    Args:
        mend: why it may not be, and what to do then.

    Raises:
        SourceError: the library cannot be had, or is not the one that the task was proven on.
    """
    library = load_library(recipe.library.requirement, sha256=recipe.library.sha256)
    scratch = Path(tempfile.mkdtemp(dir=home("scratch")))
    try:
        task = save_task(lay_out(recipe, library, scratch), folder, link=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if recipe.tree and (found := tree_hash(task.repository)) != recipe.tree:
        shutil.rmtree(folder)
        raise SourceError(
            f"{recipe.name}: the repository made from {recipe.library.requirement} has hash {found[:12]}, proven was "
            f"{recipe.tree[:12]}; {mend}"
        )
    return task


def _lay_out(recipe: Recipe, library: Library, scratch: Path) -> Task:
    mutation = recipe.mutation
    test_files = tuple(dict.fromkeys(test.partition("::")[0] for test in (*recipe.fail_to_pass, *recipe.pass_to_pass)))
    changed = {path: cut(path, library.read(path), recipe.hidden) for path in test_files}
    changed[mutation.path] = mutation.apply(library.read(mutation.path))
    for name, path in walk(library.root):
        lay(scratch / "repository" / name, changed.get(name), path)
    for name in test_files:
        lay(scratch / "hidden" / name, None, library.root / name)
    lay(scratch / "solution" / mutation.path, None, library.root / mutation.path)
    checks = [Check(id=test) for test in recipe.fail_to_pass]
    checks += [Check(id=test, kind=CheckKind.PASS_TO_PASS) for test in recipe.pass_to_pass]
    return Task(
        name=recipe.name,
        instruction=recipe.instruction,
        repository=scratch / "repository",
        hidden=scratch / "hidden",
        solution=scratch / "solution",
        environment=recipe.library.environment,
        checks=tuple(checks),
        editable=library.editable,
        assurance=Assurance(recipe.assurance),
        test_paths=test_files,
        budget=BUDGET,
        metadata=recipe.metadata,
    )


def lay(target: Path, data: bytes | None, original: Path) -> None:
    """Write new bytes, or link to the original's."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if data is not None and data != original.read_bytes():
        target.write_bytes(data)
        return
    try:
        os.link(original, target)
    except OSError:
        shutil.copy2(original, target)


def tree_hash(folder: Path) -> str:
    """SHA-256 over (path, executable bit, content hash) of a folder's files, in path order."""
    digest = hashlib.sha256()
    for name, path in sorted(walk(folder)):
        executable = "x" if path.stat().st_mode & 0o100 else "-"
        digest.update(f"{name}\0{executable}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
