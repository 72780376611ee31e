"""SWE-rebench: SWE-bench's columns with lists as lists, and how each repository was set up.

The interpreter comes from `install_config.python`, the packages from `requirements`, the frozen list of what was
installed. Other steps of the set-up are told, not run.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from journeyman.sandbox.sandbox import Environment
from journeyman.tasks.formats import fields
from journeyman.tasks.formats.format import Exported, Imported, Row
from journeyman.tasks.formats.swe_bench import SweBench, SweBenchRow
from journeyman.tasks.task import Task

_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?\s*==\s*[A-Za-z0-9.!+_-]+")
_PYTHON = re.compile(r"\d+\.\d+")
SET_UP = ("install", "pre_install", "packages", "pip_packages", "env_yml_path", "env_vars", "reqs_path", "test_cmd")
"""Keys of `install_config` that say something which a declared environment does not hold."""


class SweRebenchRow(SweBenchRow):
    """What SWE-rebench adds."""

    install_config: dict[str, Any] | None = None
    requirements: str | None = None
    environment: str | None = None
    FAIL_TO_FAIL: list[str] | str | None = None
    PASS_TO_FAIL: list[str] | str | None = None
    license_name: str | None = None
    meta: dict[str, Any] | None = None


class SweRebench(SweBench):
    """Rows of SWE-rebench."""

    name = "swe-rebench"
    lists_as_text = False

    def read(self, row: Row) -> Imported:
        model = fields.parse(SweRebenchRow, row, self.name)
        own = set(SweRebenchRow.model_fields) - set(SweBenchRow.model_fields)
        imported = super().read({key: value for key, value in row.items() if key not in own})
        environment, said = _environment(model)
        unmapped = [text for text in imported.unmapped if not text.startswith("version:")] + said
        for name in ("FAIL_TO_FAIL", "PASS_TO_FAIL"):
            if found := fields.ids(getattr(model, name), name):
                unmapped.append(f"{name}: {len(found)} tests that fail with the reference decide nothing")
        unmapped += [f"{name}: kept with the row only" for name in ("environment", "meta") if getattr(model, name)]
        facts = {"licence": model.license_name} if model.license_name else {}
        return replace(imported, environment=environment, facts=facts, unmapped=tuple(unmapped))

    def write(self, task: Task) -> Exported:
        written = super().write(task)
        row, environment = written.row, task.environment
        if "install_config" not in row or _environment(fields.parse(SweRebenchRow, row, self.name))[0] != Environment(
            environment.python, environment.requirements
        ):
            row["install_config"] = {**(row.get("install_config") or {}), "python": environment.python}
            row["requirements"] = "\n".join(environment.requirements)
        for name in ("FAIL_TO_FAIL", "PASS_TO_FAIL"):
            row.setdefault(name, [])
        row.setdefault("license_name", str(task.metadata.get("licence", "")))
        return Exported(row, tuple(fields.not_exported(task)))


def _environment(model: SweRebenchRow) -> tuple[Environment, list[str]]:
    """The environment as far as it can be declared, and the rest in words."""
    config = model.install_config or {}
    said = [
        f"install_config.{key}: not run, the declared environment takes its place" for key in SET_UP if config.get(key)
    ]
    python = str(config.get("python") or "")
    if python and not _PYTHON.match(python):
        said.append(f"install_config.python: {python!r} is no version")
    lines = [line.strip() for line in (model.requirements or "").splitlines() if line.strip()]
    pinned = [line for line in lines if _PINNED.fullmatch(line)]
    if len(pinned) < len(lines):
        other = next(line for line in lines if line not in pinned)
        said.append(
            f"requirements: {len(lines) - len(pinned)} of {len(lines)} lines are no pinned package, such as {other!r}"
        )
    found = _PYTHON.match(python)
    if not any(re.match(r"pytest\s*==", line) for line in pinned):
        pinned.append("pytest")
    return Environment(found[0] if found else Environment().python, tuple(pinned)), said
