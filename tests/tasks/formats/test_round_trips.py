"""Any row that becomes a task comes back from it: the same row, and a fresh one gives the same task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyman.sandbox.sandbox import File
from journeyman.tasks.formats.fields import ROW
from journeyman.tasks.formats.format import Row, Source
from journeyman.tasks.formats.importing import import_rows
from journeyman.tasks.formats.patches import make_patch
from journeyman.tasks.formats.registry import FORMATS
from journeyman.tasks.formats.repositories import CommitFiles, Repositories
from journeyman.tasks.harbor import load_task
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.task import Task

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    str.strip
)
code = st.lists(st.text(st.sampled_from("ab =\té"), max_size=6), max_size=5).map(lambda found: "\n".join(found))
sources = st.dictionaries(st.sampled_from(["a.py", "p/b.py", "p/c.py"]), code, min_size=1)
tests = st.dictionaries(st.sampled_from(["tests/test_a.py", "tests/test_b.py", "tests/data.txt"]), code, min_size=1)
node_ids = st.lists(
    st.from_regex(r"tests/test_[ab]\.py::(Test[A-C]::)?test_[a-z]{1,4}(\[[^\r\n\x00]{0,5}\])?", fullmatch=True),
    min_size=1,
    max_size=6,
    unique=True,
)
anything = st.none() | st.booleans() | st.integers() | words | st.lists(words, max_size=2)


class OneCommit(Repositories):
    """Clones of which each has the same one commit."""

    def __init__(self, files: dict[str, str]) -> None:
        super().__init__(None)
        self.files = {name: File(text.encode()) for name, text in files.items()}

    def read(self, sources: Sequence[Source]) -> CommitFiles:
        return CommitFiles(sources[0].repository, "ab" * 20, self.files, ())


@st.composite
def published(draw: st.DrawFn, kind: str) -> tuple[Row, dict[str, str]]:
    """A row and the files of its commit."""
    before = draw(sources)
    after = draw(sources.filter(lambda found: any(before.get(name, "") != text for name, text in found.items())))
    hidden = draw(tests)
    fail = draw(node_ids)
    cut = draw(st.integers(1, len(fail)))
    lists: list[object] = [fail[:cut], fail[cut:]]
    if draw(st.booleans()):
        lists = [json.dumps(found, ensure_ascii=draw(st.booleans())) for found in lists]
    row: Row = {"instance_id": draw(st.from_regex(r"[a-z]{1,5}__[a-z]{1,5}-[0-9]{1,3}", fullmatch=True))}
    row |= {"FAIL_TO_PASS": lists[0], "PASS_TO_PASS": lists[1], "problem_statement": draw(words)}
    old, new = ({name: File(text.encode()) for name, text in found.items()} for found in (before, after))
    changed = {name: file for name, file in old.items() if name in new}
    if kind == "swe-smith":
        wanted = {**old, **new}  # all healthy files; the bug changes some of those that were there
        files = {**{name: file.data.decode() for name, file in wanted.items()}, **{n: hidden.get(n, "") for n in NAMES}}
        row |= {"repo": "swesmith/ada__parcel.0a1b2c3d", "image_name": draw(words)}
        row["patch"] = make_patch({n: f for n, f in wanted.items() if n in changed}, changed)
    else:
        files = before
        row |= {"repo": "ada/parcel", "base_commit": "ab" * 20, "version": draw(words), "hints_text": draw(words)}
        row |= {"created_at": draw(words), "environment_setup_commit": "cd" * 20}
        row["patch"] = make_patch(changed, new)
        row["test_patch"] = make_patch({}, {name: File(text.encode()) for name, text in hidden.items()})
    return {**row, **draw(st.dictionaries(st.from_regex(r"x_[a-z]{1,4}", fullmatch=True), anything, max_size=2))}, files


NAMES = ("tests/test_a.py", "tests/test_b.py")


def trees(task: Task) -> dict[str, dict[str, bytes]]:
    places = {"given": task.repository, "solution": task.solution, "hidden": task.hidden}
    return {k: {n: p.read_bytes() for n, p in walk(place)} if place else {} for k, place in places.items()}


def made(kind: str, row: Row, files: dict[str, str], out: Path) -> Task | None:
    report = import_rows(FORMATS[kind], [row], out, OneCommit(files))
    if report.rejected:  # such as a bug that changes nothing
        assert "patch" in report.rejected[0][1] or "counts" in report.rejected[0][1], report.rejected
        return None
    return load_task(out / str(row["instance_id"]))


@pytest.mark.parametrize("kind", ["swe-bench", "swe-rebench", "swe-smith"])
@settings(max_examples=40)
@given(data=st.data())
def test_the_row_comes_back_and_a_fresh_one_gives_the_same_task(
    kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    row, files = data.draw(published(kind))
    base = tmp_path_factory.mktemp("round")
    if (task := made(kind, row, files, base / "one")) is None:
        return
    same = FORMATS[kind].write(task).row
    # SWE-rebench's columns that a row lacks are added; nothing else changes.
    assert {name: same[name] for name in row} == row
    assert set(same) - set(row) <= {"install_config", "requirements", "FAIL_TO_FAIL", "PASS_TO_FAIL", "license_name"}
    forgetful = task.model_copy(update={"metadata": {k: v for k, v in task.metadata.items() if k != ROW}})
    fresh = FORMATS[kind].write(forgetful).row
    again = made(kind, fresh, files, base / "two")
    assert again is not None
    assert trees(again) == trees(task)
    assert (again.name, again.instruction, again.checks) == (task.name, task.instruction, task.checks)


@given(data=st.data())
def test_no_field_is_dropped_silently(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each field of a row is in the task, or is told."""
    row, files = data.draw(published("swe-bench"))
    task = made("swe-bench", row, files, tmp_path_factory.mktemp("told"))
    if task is None:
        return
    mapped = {"instance_id", "repo", "base_commit", "patch", "test_patch", "problem_statement"}
    mapped |= {"FAIL_TO_PASS", "PASS_TO_PASS"}
    told = {said.partition(":")[0] for said in task.metadata["unmapped"]}
    said_nothing = {name for name, value in row.items() if value in (None, "", [])}
    assert set(row) - mapped - told <= said_nothing
