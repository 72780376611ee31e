"""How a repository is made to run: what was found or assumed, and what its owner's `journeyman.toml` says instead."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from journeyman.tasks.task import TaskFormatError

CONFIG = "journeyman.toml"


class Config(BaseModel):
    """`journeyman.toml`: each line takes the place of what would be detected."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9.!_-]*$")
    toolchain: Literal["node", "go", "rust"] | None = None
    """What the tests run with; nothing for Python."""
    python: str | None = Field(default=None, pattern=r"^3\.\d{1,2}$")
    requirements: tuple[str, ...] | None = None
    """All that is installed."""
    add_requirements: tuple[str, ...] = ()
    """Installed beside what was detected."""
    pythonpath: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    """Globs of the modules in which faults may be made."""
    tests: tuple[str, ...] | None = None
    """Globs of the test files."""
    skip: tuple[str, ...] = ()
    """Globs of test files that are left out."""
    plugins: tuple[str, ...] | None = None
    """Modules of pytest plugins that the tests need."""
    variables: dict[str, str] | None = None
    """Environment variables of the tests."""
    suite_limit_s: float | None = Field(default=None, gt=0)
    """Wall clock of one run of the whole suite, in seconds."""


def read_config(path: Path | None) -> Config:
    """The owner's settings; none where there is no file.

    Raises:
        TaskFormatError: it is no TOML, or has a line that means nothing here.
    """
    if path is None:
        return Config()
    try:
        return Config.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TaskFormatError(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        known = ", ".join(Config.model_fields)
        name = ".".join(map(str, first["loc"]))
        raise TaskFormatError(f"{path}: {name}: {first['msg']}; its lines are: {known}") from error


@dataclass(frozen=True, slots=True)
class Finding:
    """One setting with where it comes from."""

    key: str
    """What its line in `journeyman.toml` begins with."""
    value: Any
    where: str
    """The place that says so, or why it is assumed."""
    assumed: bool = False

    @property
    def line(self) -> str:
        """The line of `journeyman.toml` that says the same; edited, it takes this finding's place."""
        if isinstance(self.value, dict):
            inner = ", ".join(f"{key} = {json.dumps(value)}" for key, value in self.value.items())
            return f"{self.key} = {{ {inner} }}" if inner else f"{self.key} = {{}}"
        return f"{self.key} = {json.dumps(list(self.value) if isinstance(self.value, tuple) else self.value)}"


@dataclass(frozen=True, slots=True)
class Setup:
    """All that it takes to run a repository's tests."""

    name: str
    version: str
    licence: str
    python: str
    requirements: tuple[str, ...]
    pythonpath: tuple[str, ...]
    sources: tuple[str, ...]
    tests: tuple[str, ...]
    plugins: tuple[str, ...] = ()
    variables: dict[str, str] | None = None
    toolchain: str = ""

    def to_json(self) -> str:
        plain = asdict(self)
        if not self.toolchain:  # archives of before there was one have no such entry
            del plain["toolchain"]
        return json.dumps(plain, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Setup:
        """Read what `to_json` wrote.

        Raises:
            TaskFormatError: it is something else.
        """
        try:
            data = {"toolchain": "", **json.loads(text)}
            plain = {field.name: data[field.name] for field in fields(cls)}
        except (ValueError, KeyError, TypeError) as error:
            raise TaskFormatError(f"not the settings of a packed repository: {error}") from error
        made: dict[str, Any] = {key: tuple(each) if isinstance(each, list) else each for key, each in plain.items()}
        return cls(**made)
