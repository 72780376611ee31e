"""Recipe files: JSON lines of two kinds.

A library's line names its archive and the tests that its tasks refer to by their place; it stands before them. A task's
line holds the mutation, its checks, its instruction and the hash of the repository that it must give.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from journeyman.tasks.sources.operators.mutation import Mutation
from journeyman.tasks.sources.recipe import PYTHON, LibraryLine, Recipe
from journeyman.tasks.task import TaskFormatError


def read_recipes(path: Path) -> tuple[Recipe, ...]:
    """All recipes of a file. A last line without its end was being written when its writer died: it is passed over.

    Raises:
        TaskFormatError: a line is not a recipe; the message says which.
    """
    return tuple(found for found in _read(path) if isinstance(found, Recipe))


def read_libraries(path: Path) -> tuple[tuple[LibraryLine, tuple[str, ...]], ...]:
    """The libraries of a file, each with the tests that its line names. Raises as `read_recipes`."""
    return tuple(found for found in _read(path) if isinstance(found, tuple))


def _read(path: Path) -> Iterator[Recipe | tuple[LibraryLine, tuple[str, ...]]]:
    libraries: dict[str, tuple[LibraryLine, tuple[str, ...]]] = {}
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            row = json.loads(line)
            if "task" in row:
                yield _recipe(row, *libraries[row["library"]])
            else:
                library, tests = _library(row)
                libraries[library.requirement] = library, tests
                yield library, tests
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise TaskFormatError(f"{path}, line {number}: not a recipe ({type(error).__name__}: {error})") from error


def write_recipes(path: Path, recipes: Iterable[Recipe]) -> None:
    """Write a recipe file whole, each library's line with the tests that are used, before its tasks."""
    by_library: dict[str, list[Recipe]] = {}
    for recipe in recipes:
        by_library.setdefault(recipe.library.requirement, []).append(recipe)
    lines = []
    for group in by_library.values():
        tests = tuple(sorted({test for recipe in group for test in (*recipe.fail_to_pass, *recipe.pass_to_pass)}))
        lines.append(library_line(group[0].library, tests))
        lines += [recipe_line(recipe, tests) for recipe in group]
    partial = path.with_name(path.name + ".part")
    partial.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    partial.replace(path)


def library_line(library: LibraryLine, tests: tuple[str, ...]) -> str:
    row = {name: getattr(library, name) for name in LibraryLine.__slots__}
    if library.python == PYTHON:  # files of before there was another have no such entry
        del row["python"]
    if not library.toolchain:
        del row["toolchain"]
    by_file: dict[str, list[str]] = {}
    for test in tests:
        file, _, inner = test.partition("::")
        by_file.setdefault(file, []).append(inner)
    return _compact({**row, "tests": by_file})


def recipe_line(recipe: Recipe, tests: tuple[str, ...]) -> str:
    places = {test: number for number, test in enumerate(_by_file(tests))}
    row = {
        "task": recipe.name,
        "library": recipe.library.requirement,
        "mutation": recipe.mutation.to_dict(),
        "fail": [places[test] for test in recipe.fail_to_pass],
        "pass": [places[test] for test in recipe.pass_to_pass],
        "hidden": list(recipe.hidden),
        "instruction": recipe.instruction,
        "facts": recipe.facts,
        "tree": recipe.tree,
        "proof": recipe.proof,
        "assurance": recipe.assurance,
    }
    return _compact(row)


def _by_file(tests: Iterable[str]) -> Iterator[str]:
    """Tests in the order in which a library's line holds them: by file, in order of first mention."""
    files: dict[str, list[str]] = {}
    for test in tests:
        files.setdefault(test.partition("::")[0], []).append(test)
    return (test for group in files.values() for test in group)


def _library(row: dict[str, Any]) -> tuple[LibraryLine, tuple[str, ...]]:
    tests = tuple(f"{file}::{inner}" for file, names in row.pop("tests").items() for inner in names)
    return LibraryLine(**{**row, **{name: tuple(row[name]) for name in ("requirements", "pythonpath")}}), tests


def _recipe(row: dict[str, Any], library: LibraryLine, tests: tuple[str, ...]) -> Recipe:
    return Recipe(
        name=row["task"],
        library=library,
        mutation=Mutation.from_dict(row["mutation"]),
        fail_to_pass=tuple(tests[place] for place in row["fail"]),
        pass_to_pass=tuple(tests[place] for place in row["pass"]),
        hidden=tuple(row["hidden"]),
        instruction=row["instruction"],
        facts=row["facts"],
        tree=row["tree"],
        proof=row["proof"],
        assurance=row.get("assurance", "fresh"),  # files of before there were other levels
    )


def _compact(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))
