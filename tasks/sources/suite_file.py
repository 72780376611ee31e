"""A suite as a TOML file: which libraries, and how many tasks of which source each is to give.

[[library]]
requirement = "toolz==1.0.0"
mutation = 60                                  # single faults
removal = 20                                   # functions and classes without their bodies
projects = ["toolz.dicttoolz+toolz.recipes"]   # of many milestones: modules joined by "+", or "*" for the whole
requirements = []                              # what its tests need beside pytest
"""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path

from packaging.requirements import Requirement
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from journeyman.tasks.sources.mint import MUTATION, REMOVAL
from journeyman.tasks.sources.plan import Wanted
from journeyman.tasks.sources.project import ProjectRecipe
from journeyman.tasks.sources.project_make import read_projects
from journeyman.tasks.sources.recipe import Recipe
from journeyman.tasks.sources.recipe_file import read_recipes
from journeyman.tasks.sources.sdist import parse_requirement
from journeyman.tasks.task import TaskError, TaskFormatError

PROJECT = "project"
WHOLE = "*"
_PROJECTS = ".projects.jsonl"


class LibraryWish(BaseModel):
    """What one library is to give."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requirement: str
    mutation: int = Field(default=0, ge=0)
    removal: int = Field(default=0, ge=0)
    projects: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()

    @field_validator("requirement")
    @classmethod
    def _pinned(cls, value: str) -> str:
        return "{}=={}".format(*parse_requirement(value))

    @field_validator("requirements")
    @classmethod
    def _plain(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for line in value:
            if "==" not in str(Requirement(line).specifier):
                raise ValueError(f"{line!r} names no exact version")
        return value

    @property
    def name(self) -> str:
        return self.requirement.partition("==")[0]

    @property
    def counts(self) -> dict[str, int]:
        """Source → how many tasks."""
        return {MUTATION: self.mutation, REMOVAL: self.removal, PROJECT: len(self.projects)}


class Suite(BaseModel):
    """A suite's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str = ""
    apart_from: tuple[str, ...] = ()
    """Suites with which it may share no library: what one is trained on, another is not measured by."""
    seed: int = 0
    wanted: Wanted = Wanted()
    """Which single faults are wished for."""
    library: tuple[LibraryWish, ...] = Field(min_length=1)

    @property
    def total(self) -> int:
        return sum(sum(wish.counts.values()) for wish in self.library)


def suite_file(suite: str) -> Path:
    """The file of a suite that comes along, or the file itself.

    Raises:
        TaskError: there is none.
    """
    if (own := Path(suite)).suffix == ".toml" and own.is_file():
        return own
    bundled = {path.stem: path for path in sorted(_folder().glob("*.toml"))}
    if suite not in bundled:
        raise TaskError(f"{suite}: no such suite or .toml file; suites are {', '.join(bundled)}")
    return bundled[suite]


def read_suite(suite: str) -> Suite:
    """A suite by the name under which it comes along, or by its TOML file.

    Raises:
        TaskError: there is none of that name, or it shares a library with one that it must be apart from.
        TaskFormatError: the file is no suite; the message says which line of it.
    """
    path = suite_file(suite)
    try:
        found = Suite.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TaskFormatError(f"{path}: not a suite: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        raise TaskFormatError(f"{path}: {place}: {' '.join(first['msg'].split())}") from error
    names = [wish.name for wish in found.library]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise TaskFormatError(f"{path}: {twice[0]} is there twice; put its counts together")
    for other in found.apart_from:
        beside = tomllib.loads(suite_file(other).read_text(encoding="utf-8"))["library"]
        if shared := sorted(set(names) & {parse_requirement(row["requirement"])[0] for row in beside}):
            raise TaskError(f"{path}: shares {', '.join(shared)} with {other}; take other libraries")
    return found


def suite_hash(suite: str) -> str:
    """SHA-256 of a suite's file."""
    return hashlib.sha256(suite_file(suite).read_bytes()).hexdigest()


def proven_recipes(requirement: str, source: str) -> tuple[Recipe, ...]:
    """What comes along proven of a library and a source, in a fixed order."""
    return tuple(r for r in _all_recipes(_folder()) if r.library.requirement == requirement and r.source == source)


def proven_projects(requirement: str) -> tuple[ProjectRecipe, ...]:
    """The projects of a library that come along proven."""
    return tuple(recipe for recipe in _all_projects(_folder()) if recipe.library.requirement == requirement)


@cache
def _all_recipes(folder: Path) -> tuple[Recipe, ...]:
    paths = [path for path in sorted(folder.glob("*.jsonl")) if not path.name.endswith(_PROJECTS)]
    return tuple({recipe.name: recipe for path in paths for recipe in read_recipes(path)}.values())


@cache
def _all_projects(folder: Path) -> tuple[ProjectRecipe, ...]:
    return tuple(recipe for path in sorted(folder.glob(f"*{_PROJECTS}")) for recipe in read_projects(path))


def _folder() -> Path:
    return Path(str(files("journeyman.tasks"))) / "suites"
