"""commit0: a whole library stubbed in one commit (`base_commit`) and complete in another (`reference_commit`).

A row names no tests, only their folder; so each test function there that is not parametrized is a fail-to-pass check.
Nor does it hold a problem statement: the instruction is ours.
"""

from __future__ import annotations

from typing import Any

from journeyman.sandbox.sandbox import Environment
from journeyman.tasks.formats import fields
from journeyman.tasks.formats.format import Exported, FormatError, Imported, Row, Source
from journeyman.tasks.task import Task


class Commit0Row(fields.RowModel):
    """The fields as published."""

    instance_id: str | None = None
    repo: str
    original_repo: str | None = None
    base_commit: str
    reference_commit: str
    setup: dict[str, Any] | None = None
    test: dict[str, Any]
    src_dir: str


class Commit0:
    """Rows of commit0."""

    name = "commit0"

    def read(self, row: Row) -> Imported:
        model = fields.parse(Commit0Row, row, self.name)
        folder = str(model.test.get("test_dir") or "").strip("/")
        if not folder:
            raise FormatError("test.test_dir: missing; it says where the tests are")
        below = model.src_dir.strip("/").removeprefix("./").replace(".", "", model.src_dir.strip("/") == ".")
        names = [model.repo, *([model.original_repo] if model.original_repo else [])]
        setup = model.setup or {}
        packages = tuple(str(line) for line in setup.get("pip_packages") or ())
        environment = Environment(
            str(setup.get("python") or Environment().python),
            packages if any(line.startswith("pytest") for line in packages) else (*packages, "pytest"),
        )
        told = [key for key in ("install", "packages", "pre_install", "specification") if setup.get(key)]
        unmapped = [f"setup.{key}: not run, the declared environment takes its place" for key in told]
        unmapped += ["test.test_cmd: tests run by their ids"] if model.test.get("test_cmd") else []
        return Imported(
            name=fields.task_name(model.instance_id or model.repo),
            instruction=_instruction(below, folder),
            sources=tuple(Source(name, model.base_commit) for name in names),
            checks=(),
            checks_below=folder,
            reference_commit=model.reference_commit,
            reference_below=below,
            environment=environment,
            unmapped=(*unmapped, *fields.extras(model)),
        )

    def write(self, task: Task) -> Exported:
        row = fields.kept(task, self.name)
        if not row:
            raise FormatError(f"{task.name}: a row of {self.name} names the commit that holds the whole library, which "
                              "only a task read from such a row knows; swe-bench takes a patch")  # fmt: skip
        unmapped = [*fields.not_exported(task), "checks: such a row names only their folder"]
        if task.instruction != self.read(row).instruction:
            unmapped.append("instruction: such a row has none")
        return Exported(row, tuple(unmapped))


def _instruction(below: str, folder: str) -> str:
    where = f"`{below}/`" if below else "this repository"
    return (
        f"The functions and methods in {where} are stubs: signatures and docstrings without a body. Write the whole "
        f"library as its docstrings and its documentation describe it, so that the tests in `{folder}/` pass."
    )
