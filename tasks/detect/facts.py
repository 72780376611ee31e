"""What the readers of a repository's files gather: each fact with the place that it was read from.

The first reader that knows a fact is believed; they are asked in the order of how much their files bind.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal["runtime", "test", "dev", "extra"]
MAX_READ = 2 * 1024 * 1024
"""Longest settings file that is read, in bytes."""
TEST_GROUP = re.compile(r"^(unit[-_]?)?(test|tests|testing|hatch-test|pytest|ci[-_]tests?)$", re.IGNORECASE)
DEV_GROUP = re.compile(r"^(dev|develop|development|default|all)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Need:
    """Requirement lines of one place."""

    kind: Kind
    lines: tuple[str, ...]
    where: str
    name: str = ""
    """Of the group or extra, where it is one."""


@dataclass(slots=True)
class Facts:
    """What one repository says."""

    folder: Path
    told: dict[str, tuple[Any, str]] = field(default_factory=dict)
    """name, version, python (a specifier), base (the folder that is importable), licence, build, command → (what it
    says, where)."""
    needs: list[Need] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    """Environment variables of its test runs."""
    settings: dict[str, str] = field(default_factory=dict)
    """pytest's settings, as an ini file has them."""
    entry_points: dict[str, dict[str, str]] = field(default_factory=dict)
    """What an installation would announce: group → name → object."""
    files: dict[str, str] = field(default_factory=dict)
    """Files that its tests need and that it does not have → their text."""
    placed: dict[str, str] = field(default_factory=dict)
    """Package → the folder in which build settings place it."""
    version_files: list[str] = field(default_factory=list)
    """Modules that its build would write the version into."""
    notes: list[str] = field(default_factory=list)
    """What was met and not followed."""

    def tell(self, key: str, value: Any, where: str) -> None:
        """Note a fact, unless it is known already or says nothing."""
        if value not in (None, "", [], {}):
            self.told.setdefault(key, (value, where))

    def need(self, kind: Kind, lines: Iterable[Any], where: str, name: str = "") -> None:
        if kept := tuple(line.strip() for line in lines if isinstance(line, str) and line.strip()):
            self.needs.append(Need(kind, kept, where, name))

    def group(self, name: str, lines: Iterable[Any], where: str) -> None:
        """Note a named group of requirements, and whether its name says that tests or developers need it."""
        kind: Kind = "test" if TEST_GROUP.match(name) else "dev" if DEV_GROUP.match(name) else "extra"
        self.need(kind, lines, where, name)

    def place(self, folders: Any, where: str) -> None:
        """Note a table of setuptools' `package_dir`: the folder of all packages has no name there."""
        if isinstance(folders, dict):
            self.tell("base", folders.get(""), where)
            self.placed |= {name: to for name, to in folders.items() if name and isinstance(to, str)}

    def announce(self, group: str, points: Any) -> None:
        """Note entry points: a table, or lines of `name = object`."""
        if isinstance(points, str | list):
            lines = (
                points.splitlines() if isinstance(points, str) else [line for line in points if isinstance(line, str)]
            )
            points = dict(line.split("=", 1) for line in lines if "=" in line)
        if isinstance(points, dict):
            made = {str(name).strip(): value.strip() for name, value in points.items() if isinstance(value, str)}
            self.entry_points.setdefault(group, {}).update(made)

    def get(self, key: str, default: Any = "") -> Any:
        return self.told[key][0] if key in self.told else default

    def module(self, name: str) -> ast.Module | None:
        """A Python file's syntax; None, with a note, where it has none."""
        try:
            return ast.parse(self.text(name))
        except (SyntaxError, ValueError, RecursionError):
            self.notes.append(f"{name} is no Python 3; it was passed over")
            return None

    def text(self, name: str) -> str:
        """A file's text; empty where there is none, or it is too long for settings."""
        path = self.folder / name
        if not path.is_file() or path.stat().st_size > MAX_READ:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
