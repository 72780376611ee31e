"""R2E-Gym: a commit, an issue written for it, and tests of its own in `r2e_tests/`.

A row says what each test gives after the commit (`expected_output_json`) and what it printed before it; so a test that
passes after it is fail-to-pass, unless it passed before. Three of its fields hold JSON in a string.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import PurePosixPath
from typing import Any

from journeyman.tasks.formats import fields
from journeyman.tasks.formats.format import Exported, FormatError, Imported, Row, Source, json_object
from journeyman.tasks.formats.layout import reference_is
from journeyman.tasks.harbor_plain import listed_tests
from journeyman.tasks.task import Check, CheckKind, Task

FOLDER = "r2e_tests"
_OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (\S+\.py::.+?)(?: - .*)?$", re.MULTILINE)
_SIGN = {"context": " ", "added": "+", "deleted": "-"}
_TOLD = ("docker_image", "prompt", "modified_entity_summaries")


class R2eGymRow(fields.RowModel):
    """The fields as published."""

    repo_name: str
    docker_image: str | None = None
    commit_hash: str
    parsed_commit_content: str
    execution_result_content: str
    problem_statement: str | None = None
    expected_output_json: str
    modified_files: list[str] | None = None
    relevant_files: list[str] | None = None
    modified_entity_summaries: object = None
    prompt: str | None = None
    num_non_test_files: int | None = None
    num_non_test_func_methods: int | None = None
    num_non_test_lines: int | None = None


class R2eGym:
    """Rows of R2E-Gym."""

    name = "r2e-gym"

    def read(self, row: Row) -> Imported:
        model = fields.parse(R2eGymRow, row, self.name)
        issue = _issue(model.problem_statement or "")
        if not issue:
            raise FormatError("problem_statement: empty; a task needs one")
        run = json_object(model.execution_result_content, "execution_result_content")
        hidden = _tests(run)
        found, unmapped = _checks(json_object(model.expected_output_json, "expected_output_json"), run, hidden)
        reference, left = _reference(json_object(model.parsed_commit_content, "parsed_commit_content"))
        return Imported(
            name=fields.task_name(f"{model.repo_name}__{model.commit_hash}"),
            instruction=issue,
            sources=(Source(model.repo_name, f"{model.commit_hash}^"),),
            checks=found,
            reference=reference,
            hidden=hidden,
            unmapped=(*unmapped, *left, *fields.extras(model, _TOLD)),
        )

    def write(self, task: Task) -> Exported:
        row = fields.kept(task, self.name)
        if not row:
            raise FormatError(f"{task.name}: a row of {self.name} names the commit that holds the fix, which only a "
                              "task read from such a row knows; swe-bench takes a patch")  # fmt: skip
        said = self.read(row)
        if not reference_is(said.reference, task):
            raise FormatError(f"{task.name}: its reference is no longer what commit {row['commit_hash']} holds")
        if said.instruction != task.instruction:
            row["problem_statement"] = task.instruction
        if {check.id for check in said.checks} != {check.id for check in task.checks}:
            row["expected_output_json"] = json.dumps({_key(check.id): "PASSED" for check in task.checks})
        hidden = {name: file.data.decode("utf-8", "replace") for name, file in fields.hidden_files(task).items()}
        if {n: t.rstrip("\n") for n, t in hidden.items()} != {n: t.rstrip("\n") for n, t in said.hidden.items()}:
            run = json_object(row["execution_result_content"], "execution_result_content")
            run |= {"test_file_names": [PurePosixPath(n).name for n in hidden], "test_file_codes": [*hidden.values()]}
            row["execution_result_content"] = json.dumps(run)
        return Exported(row, (*fields.not_exported(task), "environment: an image there, by its name only"))


def _issue(text: str) -> str:
    """The issue, which stands between two marks in most rows."""
    found = re.search(r"\[ISSUE\](.*?)\[/ISSUE\]", text, re.DOTALL)
    return (found[1] if found else text).strip()


def _tests(run: dict[str, Any]) -> dict[str, str]:
    names, codes = run.get("test_file_names"), run.get("test_file_codes")
    good = isinstance(names, list) and isinstance(codes, list) and len(names) == len(codes) > 0
    if not good or not all(isinstance(text, str) for text in (*names, *codes)):  # type: ignore[misc]
        raise FormatError("execution_result_content: test_file_names and test_file_codes must be lists of equal length")
    return {f"{FOLDER}/{PurePosixPath(name).name}": code for name, code in zip(names, codes, strict=True)}  # type: ignore[arg-type]


def _key(check: str) -> str:
    """A node id as `expected_output_json` names it: without the file, with dots."""
    return check.partition("::")[2].replace("::", ".")


def _checks(
    expected: dict[str, Any], run: dict[str, Any], hidden: dict[str, str]
) -> tuple[tuple[Check, ...], list[str]]:
    before = {_key(node): outcome for outcome, node in _OUTCOME.findall(str(run.get("old_commit_res_stdout") or ""))}
    files: dict[str, str] = {}
    for name, code in hidden.items():
        files |= dict.fromkeys(_functions(code), name)
    for _, node in _OUTCOME.findall(str(run.get("new_commit_res_stdout") or "")):
        files[_key(node)] = f"{FOLDER}/{PurePosixPath(node.partition('::')[0]).name}"
    made, lost, failing = [], [], []
    for key, outcome in expected.items():
        where = files.get(key) or files.get(key.partition("[")[0])
        if outcome != "PASSED":
            failing.append(key)
        elif where not in hidden:
            lost.append(key)
        else:
            head, bracket, rest = key.partition("[")
            passed = before.get(key) == "PASSED"
            node = f"{where}::{_nested(head)}{bracket}{rest}"
            made.append(Check(id=node, kind=CheckKind.PASS_TO_PASS if passed else CheckKind.FAIL_TO_PASS))
    said = []
    if failing:
        said.append(f"expected_output_json: {len(failing)} tests that do not pass after the fix decide nothing")
    if lost:
        said.append(f"expected_output_json: {len(lost)} tests are in no test file, such as {lost[0]!r}")
    made.sort(key=lambda check: check.kind is CheckKind.PASS_TO_PASS)
    if not any(check.kind is CheckKind.FAIL_TO_PASS for check in made):
        raise FormatError("expected_output_json: no test that passes after the fix and failed before it")
    return tuple(made), said


def _nested(key: str) -> str:
    return key.replace(".", "::")


def _functions(code: str) -> list[str]:
    try:
        return [f"{prefix}{node.name}".replace("::", ".") for prefix, node in listed_tests(ast.parse(code))]
    except (SyntaxError, ValueError):
        return []


def _reference(commit: dict[str, Any]) -> tuple[str, list[str]]:
    """The commit's changes to source files as one patch; those to its own tests give way to the row's."""
    parts, tests = [], []
    for diff in commit.get("file_diffs") or ():
        try:
            path = diff["header"]["file"]["path"]
            if "test" in path.lower():
                tests.append(path)
            else:
                parts.append(_file_patch(path, diff))
        except (KeyError, TypeError, AttributeError) as error:
            raise FormatError(f"parsed_commit_content: a file_diff lacks {error}") from error
    if not parts:
        raise FormatError("parsed_commit_content: changes no source file")
    said = [f"parsed_commit_content: {len(tests)} test files of the commit, as the row has its own"] if tests else []
    return "".join(parts), said


def _file_patch(path: str, diff: dict[str, Any]) -> str:
    old = "/dev/null" if (diff.get("minus_file") or {}).get("path") == "/dev/null" else f"a/{path}"
    new = "/dev/null" if (diff.get("plus_file") or {}).get("path") == "/dev/null" else f"b/{path}"
    text = f"diff --git a/{path} b/{path}\n"
    if diff.get("is_binary_file"):
        return f"{text}Binary files {old} and {new} differ\n"
    text += "new file mode 100644\n" if old == "/dev/null" else ""
    text += "deleted file mode 100644\n" if new == "/dev/null" else ""
    text += f"--- {old}\n+++ {new}\n" if diff.get("hunks") else ""
    for hunk in diff.get("hunks") or ():
        ranges = [hunk["descriptor"][f"{side}_range"] for side in ("old", "new")]
        lengths = [1 if r.get("length") is None else r["length"] for r in ranges]
        text += f"@@ -{ranges[0]['start']},{lengths[0]} +{ranges[1]['start']},{lengths[1]} @@\n"
        for line in hunk["line_group"]["all_lines"]:
            note = line["type"] == "note"
            text += "\\ No newline at end of file\n" if note else f"{_SIGN[line['type']]}{line['content']}\n"
    return text
