"""One protocol for every format: a row is read as what a task needs, and a task is written as a row.

What a format says and a task has no field for is listed, row by row, in `unmapped`; nothing is dropped silently. The
row itself travels with the task (`Task.metadata["row"]`), so that writing it again gives the same row, as long as the
task still says what the row said.

Errors:

    TaskError
    └── FormatError        a row, a patch or a repository that cannot be read; the message says what to mend
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Protocol

from journeyman.sandbox.sandbox import Environment, File
from journeyman.tasks.harbor_files import LEFT_OUT
from journeyman.tasks.task import Check, Task, TaskError

Row = dict[str, Any]
Tree = Mapping[str, File]
"""Files by their POSIX path in the repository."""


class FormatError(TaskError):
    """A row cannot become a task, or a task a row."""


def json_object(text: str | bytes, where: str) -> Row:
    """What a JSON object says. Raises FormatError, which says where it stands."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise FormatError(f"{where}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise FormatError(f"{where}: not a JSON object")
    return value


@dataclass(frozen=True, slots=True)
class Source:
    """Where pristine files come from: a commit of a repository, by whatever name the user's clone may have."""

    repository: str
    """"owner/name", or "name" where a format has no owner."""
    commit: str
    """A hash, full or short, or an expression over one, such as "4be1…^"."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a row says, before its repository is looked at."""

    name: str
    instruction: str
    sources: tuple[Source, ...]
    """The first that is there gives the files."""
    checks: tuple[Check, ...]
    checks_below: str = ""
    """Or: a folder whose test functions, as `reference_commit` has them, are all fail-to-pass."""
    bug: str = ""
    """A patch over the commit that gives what a policy starts from; undoing it is the reference."""
    reference: str = ""
    """A patch over what a policy starts from that solves the task."""
    reference_commit: str = ""
    """Or: a commit in which it is solved."""
    reference_below: str = ""
    """The folder to which `reference_commit` counts; "" is everywhere."""
    tests: str = ""
    """A patch over the commit that gives the hidden tests."""
    hidden: Mapping[str, str] = field(default_factory=dict)
    """Hidden tests as whole files."""
    withheld: tuple[str, ...] = ()
    """Files of the repository that only the grader sees."""
    environment: Environment = field(default_factory=Environment)
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What goes into `Task.metadata`, such as a licence."""
    unmapped: tuple[str, ...] = ()
    """What the row says that a task has no place for, in words."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A task as a row, and what of the task the row has no place for, in words."""

    row: Row
    unmapped: tuple[str, ...] = ()


def checked_path(path: str) -> str:
    """A path that a task can hold: relative, without a step upwards, written in the one plain way, no tool's own.

    Raises:
        FormatError: it is none.
    """
    pure = PurePosixPath(path)
    is_inside = bool(path) and not pure.is_absolute() and ".." not in pure.parts and str(pure) == path
    if not is_inside or path == "." or not path.isprintable() or "\\" in path or LEFT_OUT & set(pure.parts):
        raise FormatError(f"{path!r}: not a path in a repository that a task can hold")
    return path


class Format(Protocol):
    """A kind of row that others publish."""

    @property
    def name(self) -> str: ...

    def read(self, row: Row) -> Imported:
        """What a row says.

        Raises:
            FormatError: it lacks what a task needs.
        """

    def write(self, task: Task) -> Exported:
        """A task as a row.

        Raises:
            FormatError: it lacks what the format needs.
        """
