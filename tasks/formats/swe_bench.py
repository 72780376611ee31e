"""SWE-bench: an issue of a real repository, the patch that closed it, and the tests that came with it.

`FAIL_TO_PASS` and `PASS_TO_PASS` are lists, or lists in JSON strings. The hidden tests are the files of `test_patch`.
What a row does not say is how to set the repository up: `version` names an entry of tables that SWE-bench keeps in its
own code.
"""

from __future__ import annotations

from journeyman.tasks.formats import fields
from journeyman.tasks.formats.format import Exported, FormatError, Imported, Row, Source
from journeyman.tasks.formats.layout import set_reference, set_tests
from journeyman.tasks.task import Task


class SweBenchRow(fields.RowModel):
    """The fields as published; what a variant of the data set adds is kept beside them."""

    instance_id: str
    repo: str
    base_commit: str
    patch: str
    test_patch: str | None = ""
    problem_statement: str
    FAIL_TO_PASS: list[str] | str
    PASS_TO_PASS: list[str] | str | None = None
    version: str | None = None
    environment_setup_commit: str | None = None
    hints_text: str | None = None
    created_at: object = None


class SweBench:
    """Rows of SWE-bench, its variants (Lite, Verified, …) and what follows its columns."""

    name = "swe-bench"
    lists_as_text = True
    """Whether a fresh row has its lists of tests as JSON strings, as the data set was published."""

    def read(self, row: Row) -> Imported:
        model = fields.parse(SweBenchRow, row, self.name)
        if not model.patch.strip():
            raise FormatError("patch: empty; without a reference nothing can be proven")
        found, unmapped = fields.checks(
            fields.ids(model.FAIL_TO_PASS, "FAIL_TO_PASS"), fields.ids(model.PASS_TO_PASS, "PASS_TO_PASS")
        )
        if model.version:
            unmapped.append(f"version: {model.version!r} names a set-up that the row does not hold; see requirements")
        unmapped += fields.extras(model, ("environment_setup_commit", "hints_text", "created_at"))
        return Imported(
            name=fields.task_name(model.instance_id),
            instruction=model.problem_statement.strip(),
            sources=(Source(model.repo, model.base_commit),),
            checks=found,
            reference=model.patch,
            tests=model.test_patch or "",
            unmapped=tuple(unmapped),
        )

    def write(self, task: Task) -> Exported:
        row = fields.kept(task, self.name)
        repository, commit = fields.origin(task)
        row.setdefault("repo", repository)
        if not row.get("instance_id") or fields.task_name(row["instance_id"]) != task.name:
            row["instance_id"] = task.name
        row.setdefault("base_commit", commit)
        set_reference(row, "patch", task)
        set_tests(row, "test_patch", task)
        fields.set_text(row, "problem_statement", task.instruction)
        fields.set_ids(row, "FAIL_TO_PASS", task.fail_to_pass, as_text=self.lists_as_text)
        fields.set_ids(row, "PASS_TO_PASS", task.pass_to_pass, as_text=self.lists_as_text)
        for name in ("version", "hints_text", "created_at", "environment_setup_commit"):
            row.setdefault(name, "")
        unmapped = [*fields.not_exported(task), "environment: kept in no field of such a row"]
        return Exported(row, tuple(unmapped))
