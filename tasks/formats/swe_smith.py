"""SWE-smith: a bug put into a healthy repository. Its `patch` is the *bug*: undoing it is the reference.

`repo` names a mirror, "swesmith/owner__name.commit"; the commit is the original repository's. The files of the failing
tests are taken out of what a policy sees, as SWE-smith does.
"""

from __future__ import annotations

import re

from journeyman.tasks.formats import fields
from journeyman.tasks.formats.format import Exported, FormatError, Imported, Row, Source
from journeyman.tasks.formats.layout import set_bug
from journeyman.tasks.task import CheckKind, Task

_MIRROR = re.compile(r"[^/]+/(?P<owner>[^/]+?)__(?P<name>[^/]+)\.(?P<commit>[0-9a-f]{7,40})")


class SweSmithRow(fields.RowModel):
    """The fields as published."""

    instance_id: str
    repo: str
    patch: str
    FAIL_TO_PASS: list[str] | str
    PASS_TO_PASS: list[str] | str | None = None
    problem_statement: str | None = None
    image_name: str | None = None


class SweSmith:
    """Rows of SWE-smith."""

    name = "swe-smith"

    def read(self, row: Row) -> Imported:
        model = fields.parse(SweSmithRow, row, self.name)
        if not model.patch.strip():
            raise FormatError("patch: empty; it is the bug, without which there is nothing to mend")
        if not (model.problem_statement or "").strip():
            raise FormatError("problem_statement: empty; such rows have no issue text yet, and a task needs one")
        if not (mirror := _MIRROR.fullmatch(model.repo)):
            raise FormatError(f"repo: {model.repo!r} is no mirror's name, organisation/owner__name.commit")
        found, unmapped = fields.checks(
            fields.ids(model.FAIL_TO_PASS, "FAIL_TO_PASS"), fields.ids(model.PASS_TO_PASS, "PASS_TO_PASS")
        )
        failing = [check.id.partition("::")[0] for check in found if check.kind is CheckKind.FAIL_TO_PASS]
        return Imported(
            name=fields.task_name(model.instance_id),
            instruction=(model.problem_statement or "").strip(),
            sources=(Source(f"{mirror['owner']}/{mirror['name']}", mirror["commit"]), Source(model.repo, "HEAD")),
            checks=found,
            bug=model.patch,
            withheld=tuple(dict.fromkeys(failing)),
            unmapped=(*unmapped, *fields.extras(model, ("image_name",))),
        )

    def write(self, task: Task) -> Exported:
        row = fields.kept(task, self.name)
        is_new = not row
        repository, commit = fields.origin(task)
        row.setdefault("instance_id", task.name)
        mirror = (
            repository if _MIRROR.fullmatch(repository) else f"swesmith/{repository.replace('/', '__')}.{commit[:8]}"
        )
        row.setdefault("repo", mirror)
        set_bug(row, "patch", task)
        fields.set_ids(row, "FAIL_TO_PASS", task.fail_to_pass, as_text=False)
        fields.set_ids(row, "PASS_TO_PASS", task.pass_to_pass, as_text=False)
        row.setdefault("image_name", "")
        fields.set_text(row, "problem_statement", task.instruction)
        unmapped = [*fields.not_exported(task), "environment: an image there, of which the row has only the name"]
        if is_new and task.hidden is not None:
            unmapped.append("hidden tests: such a row only names tests that its repository holds")
        return Exported(row, tuple(unmapped))
