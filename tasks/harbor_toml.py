"""`task.toml`: Harbor's settings, and ours under `[metadata.journeyman]`.

Reading is strict below `[metadata.journeyman]` (an unknown key is a typo that would otherwise be silent) and lenient
elsewhere, where the file is Harbor's. Every error names the file, the field and the mend.
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from journeyman.sandbox.sandbox import Environment, Limits
from journeyman.tasks.task import Budget, CheckKind, Task, TaskError, TaskFormatError

SCHEMA_VERSION = "1.4"
SECTION = "journeyman"
DESCRIBED = ("description", "authors", "keywords")
"""Keys of Harbor's `[task]` that become `Task.metadata`."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChecksSection(_Strict):
    """`[metadata.journeyman.checks]`."""

    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...] = ()


class MilestoneSection(_Strict):
    """One `[[metadata.journeyman.milestones]]`; its contract stands in `steps/<name>/instruction.md`."""

    name: str
    title: str = ""
    depends_on: tuple[str, ...] = ()
    checks: tuple[str, ...]


class JourneymanSection(_Strict):
    """`[metadata.journeyman]`. Tables that other classes describe are read on their own."""

    name: str | None = None
    """The task's name where Harbor's form (organisation/name) does not allow it."""
    editable: tuple[str, ...] = ("**/*.py",)
    assurance: str = "split"
    test_paths: tuple[str, ...] = ("tests",)
    canary: str = ""
    infeasible: dict[str, Any] | None = None
    checks: ChecksSection
    milestones: tuple[MilestoneSection, ...] = ()
    environment: dict[str, Any] = {}
    budget: dict[str, Any] = {}
    limits: dict[str, Any] = {}


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as plain data.

    Raises:
        TaskFormatError: it is missing, not UTF-8, or not TOML (with line and column).
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TaskFormatError(f"{path}: missing; a task folder needs task.toml (docs/task-format.md)") from None
    except UnicodeDecodeError as error:
        raise TaskFormatError(f"{path}: not UTF-8 text: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise TaskFormatError(f"{path}: not valid TOML: {error}") from error


def is_ours(document: dict[str, Any]) -> bool:
    """Whether the file has our section, so that it can be read without guessing."""
    metadata = document.get("metadata")
    return isinstance(metadata, dict) and SECTION in metadata


def table(document: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    """A table of the document, empty when it is not there."""
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise TaskFormatError(f"{path}: [{name}] must be a table, not {type(value).__name__}")
    return value


def task_fields(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """What `Task` takes from task.toml: everything but the texts and the folders."""
    section = _section(document, path)
    harbor = table(document, "task", path)
    name = section.name or harbor.get("name")
    if not isinstance(name, str):
        raise TaskFormatError(f'{path}: [task].name: missing; write name = "organisation/{path.parent.name}"')
    metadata = {key: value for key, value in table(document, "metadata", path).items() if key != SECTION}
    metadata |= {key: harbor[key] for key in DESCRIBED if key in harbor}
    budget = dict(section.budget)
    _fall_back(budget, "episode_timeout_s", table(document, "agent", path), "timeout_sec")
    _fall_back(budget, "grading_timeout_s", table(document, "verifier", path), "timeout_sec")
    limits = dict(section.limits)
    _fall_back(limits, "memory_mb", table(document, "environment", path), "memory_mb")
    _fall_back(limits, "disk_mb", table(document, "environment", path), "storage_mb")
    checks = [{"id": i, "kind": CheckKind.FAIL_TO_PASS} for i in section.checks.fail_to_pass]
    checks += [{"id": i, "kind": CheckKind.PASS_TO_PASS} for i in section.checks.pass_to_pass]
    return {
        "name": name,
        "environment": _dataclass(Environment, section.environment, path, "environment"),
        "limits": _dataclass(Limits, limits, path, "limits"),
        "budget": budget,
        "checks": checks,
        "milestones": [milestone.model_dump() for milestone in section.milestones],
        "editable": section.editable,
        "assurance": section.assurance,
        "test_paths": section.test_paths,
        "canary": section.canary,
        "infeasible": section.infeasible,
        "metadata": metadata,
    }


def build_task(values: dict[str, Any], path: Path) -> Task:
    """A `Task` of these values, its errors told in the words of the file."""
    try:
        return Task.model_validate(values)
    except ValidationError as error:
        raise TaskFormatError(f"{path}: {explain(error)}") from error


def explain(error: ValidationError, prefix: str = "") -> str:
    """A validation error as `field: what is wrong`, one after the other."""
    said = []
    for item in error.errors(include_url=False):
        field = ".".join([prefix, *map(str, item["loc"])]).strip(".")
        mend = {"missing": "missing; add it", "extra_forbidden": "unknown key; remove it or mend its spelling"}
        what = mend.get(item["type"], item["msg"].removeprefix("Value error, "))
        said.append(f"{field}: {what}" if field else what)
    return "; ".join(said)


def _section(document: dict[str, Any], path: Path) -> JourneymanSection:
    raw = table(document, "metadata", path).get(SECTION)
    try:
        return JourneymanSection.model_validate(raw)
    except ValidationError as error:
        raise TaskFormatError(f"{path}: {explain(error, f'metadata.{SECTION}')}") from error


def _fall_back(values: dict[str, Any], key: str, harbor: dict[str, Any], harbor_key: str) -> None:
    if key not in values and harbor_key in harbor:
        values[key] = harbor[harbor_key]


def _dataclass(kind: type[Any], values: dict[str, Any], path: Path, name: str) -> Any:
    where = f"metadata.{SECTION}.{name}"
    if unknown := sorted(set(values) - {field.name for field in fields(kind)}):
        raise TaskFormatError(f"{path}: {where}: unknown keys {unknown}; there are {[f.name for f in fields(kind)]}")
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        raise TaskFormatError(f"{path}: {explain(error, where)}") from error


def write_toml(task: Task) -> str:
    """The task as the text of a task.toml, tables in the order in which a person reads them."""
    metadata = dict(task.metadata)
    if SECTION in metadata:
        raise TaskError(f"{task.name}: metadata[{SECTION!r}] is reserved; rename that key")
    harbor = {"name": task.name if "/" in task.name else f"{SECTION}/{task.name}"}
    harbor |= {key: metadata.pop(key) for key in DESCRIBED if key in metadata}
    ours: dict[str, Any] = {} if "/" in task.name else {"name": task.name}
    ours |= {"editable": list(task.editable), "test_paths": list(task.test_paths)}
    ours |= {"assurance": task.assurance.value, "canary": task.canary}
    ours["checks"] = {"fail_to_pass": list(task.fail_to_pass), "pass_to_pass": list(task.pass_to_pass)}
    if task.infeasible is not None:
        ours["infeasible"] = task.infeasible.model_dump(mode="json")
    ours["environment"] = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(task.environment).items()}
    if not task.environment.toolchain:  # most tasks have none
        del ours["environment"]["toolchain"]
    ours["budget"] = Budget.model_dump(task.budget)
    ours["limits"] = asdict(task.limits)
    if task.milestones:
        ours["milestones"] = [
            {"name": m.name, "title": m.title, "depends_on": list(m.depends_on), "checks": list(m.checks)}
            for m in task.milestones
        ]
    document = {
        "schema_version": SCHEMA_VERSION,
        "task": harbor,
        "metadata": metadata | {SECTION: ours},
        "agent": {"timeout_sec": task.budget.episode_timeout_s},
        "verifier": {"timeout_sec": task.budget.grading_timeout_s},
        "environment": {
            "memory_mb": task.limits.memory_mb,
            "storage_mb": task.limits.disk_mb,
            "network_mode": "no-network",
            "workdir": "/workspace",
        },
    }
    try:
        return tomlkit.dumps(_multiline(document))
    except (TypeError, ValueError) as error:  # tomlkit's ConvertError is one of these
        raise TaskError(
            f"{task.name}: metadata cannot be written as TOML: {error}; use text, numbers, lists"
        ) from error


def _multiline(value: Any) -> Any:
    """Lists of several texts one a line, so that a changed check is a changed line."""
    if isinstance(value, dict):
        return {key: _multiline(item) for key, item in value.items()}
    if isinstance(value, list) and len(value) > 1 and all(isinstance(item, str) for item in value):
        array = tomlkit.array()
        array.extend(value)
        return array.multiline(True)
    return value
