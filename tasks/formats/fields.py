"""What several formats share: lists of test ids, names, and the row that travels with a task."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from journeyman.sandbox.sandbox import File
from journeyman.tasks.formats.format import FormatError, Row, Tree
from journeyman.tasks.harbor_files import mark_of, takes_stamp, walk
from journeyman.tasks.harbor_toml import explain
from journeyman.tasks.task import Check, CheckKind, Task

ROW = "row"
"""Key of `Task.metadata`: {"format": …, "json": the row as it was read}."""
_NODE_ID = re.compile(r"[^\s:][^:\r\n]*\.py::[^\r\n]+")


class RowModel(BaseModel):
    """A row at the boundary: known fields are checked, others are kept and told."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


Model = TypeVar("Model", bound=RowModel)


def parse(model: type[Model], row: Row, what: str) -> Model:
    """A row as its model.

    Raises:
        FormatError: a field is missing or of the wrong kind; the message names it.
    """
    try:
        return model.model_validate(row)
    except ValidationError as error:
        raise FormatError(f"not a {what} row: {explain(error)}") from error


def ids(value: str | Sequence[str] | None, field: str) -> list[str]:
    """Test ids, given as a list or as a list in a JSON string; in order, each once.

    Raises:
        FormatError: it is neither.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else []
        except ValueError as error:
            raise FormatError(f"{field}: neither a list nor a JSON list of test ids: {error}") from error
    if value is not None and not (isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)):
        raise FormatError(f"{field}: neither a list nor a JSON list of test ids")
    return list(dict.fromkeys(value or ()))


def checks(fail: list[str], keep: list[str]) -> tuple[tuple[Check, ...], list[str]]:
    """The checks of two lists of ids, and what of them is no pytest node id, in words.

    Raises:
        FormatError: no fail-to-pass test is a pytest node id.
    """
    unmapped = []
    made: list[Check] = []
    for field, kind, found in (
        ("FAIL_TO_PASS", CheckKind.FAIL_TO_PASS, fail),
        ("PASS_TO_PASS", CheckKind.PASS_TO_PASS, [i for i in keep if i not in set(fail)]),
    ):
        good = [i for i in found if _NODE_ID.fullmatch(i)]
        if strange := [i for i in found if i not in set(good)]:
            unmapped.append(f"{field}: {len(strange)} of {len(found)} are no pytest node ids, such as {strange[0]!r}")
        made += [Check(id=i, kind=kind) for i in good]
    if not any(check.kind is CheckKind.FAIL_TO_PASS for check in made):
        raise FormatError(
            f"FAIL_TO_PASS: none of {len(fail)} is a pytest node id such as tests/test_a.py::test_b; other runners' "
            "tests cannot be graded here"
        )
    return tuple(made), unmapped


def task_name(text: str) -> str:
    """An id in the form that a task's name must have.

    Raises:
        FormatError: nothing of it can be kept.
    """
    parts = [re.sub(r"[^A-Za-z0-9._-]+", "-", part).lstrip("._-") for part in text.split("/")]
    name = "/".join([*parts[:1], "-".join(parts[1:])]) if len(parts) > 1 else parts[0]
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?", name):
        raise FormatError(f"instance_id: {text!r} gives no name for a task")
    return name


def extras(row: RowModel, known: Iterable[str] = ()) -> list[str]:
    """The fields of a row that say something and that no task has a place for, in words."""
    values = {**(row.model_extra or {}), **{name: getattr(row, name) for name in known}}
    said = [name for name, value in values.items() if value not in (None, "", [], {})]
    return [f"{name}: kept with the row only" for name in said]


def keep(format_name: str, row: Row) -> dict[str, str]:
    """What is put into `Task.metadata[ROW]`; dates and the like become text."""
    return {"format": format_name, "json": json.dumps(row, default=str, sort_keys=False)}


def kept(task: Task, format_name: str) -> Row:
    """The row that a task was read from; empty where it came from elsewhere, or from another format."""
    found = task.metadata.get(ROW)
    if not isinstance(found, dict) or found.get("format") != format_name:
        return {}
    try:
        row = json.loads(found["json"])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{task.name}: metadata.{ROW}.json: {error}; remove the table, or mend it") from error
    return row if isinstance(row, dict) else {}


def set_ids(row: Row, field: str, wanted: Iterable[str], *, as_text: bool) -> None:
    """Write a list of ids, unless the row says the same already; ids that no check can have stay where they were."""
    found = ids(row.get(field), field)
    strange = [i for i in found if not _NODE_ID.fullmatch(i)]
    if sorted({*wanted, *strange}) != sorted(found) or field not in row:
        listed = [*wanted, *strange]
        row[field] = json.dumps(listed) if as_text or isinstance(row.get(field), str) else listed


def set_text(row: Row, field: str, wanted: str) -> None:
    """Write a text, unless the row says the same already, but for space around it."""
    if (row.get(field) or "").strip() != wanted.strip():
        row[field] = wanted


def origin(task: Task) -> tuple[str, str]:
    """The repository and the commit that a task was made from.

    Raises:
        FormatError: it does not say.
    """
    found = tuple(task.metadata.get(key) for key in ("repository", "commit"))
    if not all(isinstance(value, str) and value for value in found):
        raise FormatError(
            f"{task.name}: such a row names a repository and a commit, and this task has none; write repository = "
            '"owner/name" and commit = "…" below [metadata] of its task.toml'
        )
    return str(found[0]), str(found[1])


def not_exported(task: Task) -> list[str]:
    """What of a task no row of a patch format holds, in words."""
    said = [f"milestones: {len(task.milestones)} of them, with their contracts"] if task.milestones else []
    if task.environment.system_packages:
        said.append("environment.system_packages")
    if task.environment.toolchain:
        said.append("environment.toolchain")
    return said


def files(place: Any) -> dict[str, File]:
    """A task's folder as files; none for no folder."""
    found = walk(place) if place is not None else ()
    return {name: File(path.read_bytes(), path.stat().st_mode & 0o777) for name, path in found}


def hidden_files(task: Task) -> dict[str, File]:
    """The hidden tests as they were before the canary was stamped."""
    found = files(task.hidden)
    marks = {name: mark_of(name, task.canary).encode() for name in found if task.canary and takes_stamp(name)}
    return {name: File(file.data.removesuffix(marks.get(name, b"")), file.mode) for name, file in found.items()}


def same_text(one: Tree, other: Tree) -> bool:
    """Whether two trees hold the same, but for the line end of a last line, which a stamped canary leaves behind."""
    return one.keys() == other.keys() and all(
        file.executable == other[name].executable and file.data.rstrip(b"\n") == other[name].data.rstrip(b"\n")
        for name, file in one.items()
    )
