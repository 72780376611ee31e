"""A published row becomes a task over the user's own clone, is proven, and comes back as the same row."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from journeyman.sandbox.sandbox import Environment, SandboxFactory
from journeyman.tasks.formats.format import FormatError, Row
from journeyman.tasks.formats.importing import ImportReport, import_rows
from journeyman.tasks.formats.registry import FORMATS, format_named
from journeyman.tasks.formats.repositories import Repositories
from journeyman.tasks.harbor import load_task, save_task
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.task import Task
from journeyman.tasks.validation import check_task
from tests.making import PARCEL, solved
from tests.tasks.formats.conftest import FAILS, ISSUE, PASSES, STUB, TESTS, VISIBLE_FAILS, History, run_git

ROWS = ["swe_bench", "swe_smith", "swe_rebench", "r2e_gym", "commit0"]


def imported(name: str, rows: list[Row], history: History, out: Path) -> ImportReport:
    return import_rows(format_named(name), rows, out, Repositories(history.clones))


def task_of(name: str, row: Row, history: History, out: Path) -> Task:
    report = imported(name, [row], history, out)
    assert not report.rejected, report.rejected
    return load_task(next(path for path in sorted(out.iterdir()) if path.is_dir()))


def texts(folder: Path | None) -> dict[str, str]:
    return {name: path.read_text() for name, path in walk(folder)} if folder else {}


@pytest.mark.parametrize("fixture", [ROWS[0], *(pytest.param(row, marks=pytest.mark.slow) for row in ROWS[1:])])
def test_a_row_becomes_a_proven_task_and_the_same_row_again(
    fixture: str, request: pytest.FixtureRequest, history: History, sandboxes: SandboxFactory, tmp_path: Path
) -> None:
    row, name = request.getfixturevalue(fixture), fixture.replace("_", "-")
    before = json.dumps(row)
    task = task_of(name, row, history, tmp_path / "out")
    certificate = check_task(task, sandboxes, runs=1)
    assert certificate.sound, certificate.reasons
    assert FORMATS[name].write(task).row == json.loads(before)
    again = save_task(task, tmp_path / "elsewhere")
    assert FORMATS[name].write(again).row == json.loads(before), "wherever the task's folder goes"


def test_what_a_swe_bench_row_gives(swe_bench: Row, history: History, tmp_path: Path) -> None:
    task = task_of("swe-bench", swe_bench, history, tmp_path)
    assert task.name == "ada__parcel-7" and task.instruction == ISSUE
    assert task.fail_to_pass == (FAILS, VISIBLE_FAILS) and list(task.pass_to_pass) == PASSES
    assert texts(task.repository)["parcel.py"] == PARCEL, "the parent of the fix"
    assert "tests/test_hidden_parcel.py" not in texts(task.repository)
    assert texts(task.solution) == {"parcel.py": solved()}
    assert texts(task.hidden)["tests/test_hidden_parcel.py"].startswith(TESTS)
    assert task.metadata["repository"] == "ada/parcel" and task.metadata["commit"] == history.buggy
    said = " ".join(task.metadata["unmapped"])
    for word in ("version", "hints_text", "created_at", "environment_setup_commit", "difficulty", "CHANGES.md"):
        assert word in said


def test_a_swe_smith_patch_is_the_bug(swe_smith: Row, history: History, tmp_path: Path) -> None:
    task = task_of("swe-smith", swe_smith, history, tmp_path)
    assert texts(task.repository)["parcel.py"] == PARCEL, "with the bug in it"
    assert texts(task.solution) == {"parcel.py": solved()}, "the healthy file"
    assert "tests/test_hidden_parcel.py" not in texts(task.repository), "the failing tests' file is taken out"
    assert "tests/test_parcel.py" in texts(task.repository)


def test_a_swe_smith_mirror_serves_as_well_as_the_original(swe_smith: Row, history: History, tmp_path: Path) -> None:
    """The mirror has one commit of its own, and another hash."""
    mirror = tmp_path / "clones" / swe_smith["repo"].replace("/", "__")
    shutil.copytree(history.clones / "ada__parcel", mirror, ignore=shutil.ignore_patterns(".git"))
    run_git(mirror, "init", "--quiet")
    run_git(mirror, "add", "--all")
    run_git(mirror, "commit", "--quiet", "-m", "Initial commit")
    report = import_rows(FORMATS["swe-smith"], [swe_smith], tmp_path / "out", Repositories(tmp_path / "clones"))
    assert not report.rejected and len(report.tasks) == 1


def test_swe_rebench_says_how_the_repository_was_set_up(swe_rebench: Row, history: History, tmp_path: Path) -> None:
    task = task_of("swe-rebench", swe_rebench, history, tmp_path)
    assert task.environment == Environment("3.11", ("pytest==8.3.5",))
    assert task.metadata["licence"] == "MIT License"
    said = " ".join(task.metadata["unmapped"])
    for word in ("install_config.install", "requirements: 1 of 2", "FAIL_TO_FAIL", "meta"):
        assert word in said


def test_r2e_gym_tells_what_failed_before(r2e_gym: Row, history: History, tmp_path: Path) -> None:
    task = task_of("r2e-gym", r2e_gym, history, tmp_path)
    assert task.fail_to_pass == ("r2e_tests/test_1.py::test_exactly_at_the_limit",)
    assert task.pass_to_pass == ("r2e_tests/test_1.py::test_below_the_limit",)
    assert task.instruction == ISSUE


def test_commit0_starts_from_stubs(commit0: Row, history: History, tmp_path: Path) -> None:
    task = task_of("commit0", commit0, history, tmp_path)
    assert texts(task.repository)["parcel.py"] == STUB
    assert texts(task.solution) == {"parcel.py": solved()}
    assert len(task.fail_to_pass) == 5, "every test function of tests/"
    assert "parcel.py" in task.instruction and "tests/" in task.instruction


@pytest.mark.parametrize("fixture", ROWS[:3])
def test_an_edited_task_is_written_as_it_is_now(
    fixture: str, request: pytest.FixtureRequest, history: History, tmp_path: Path
) -> None:
    """The row that travels along is used only for what is still true."""
    name = fixture.replace("_", "-")
    task = task_of(name, request.getfixturevalue(fixture), history, tmp_path / "out")
    assert task.solution
    path = task.solution / "parcel.py"
    path.write_text(path.read_text() + "# more\n")
    edited = task.model_copy(update={"instruction": "Mend the limit.", "checks": task.checks[:1]})
    row = FORMATS[name].write(edited).row
    assert row["problem_statement"] == "Mend the limit."
    again = import_rows(FORMATS[name], [row], tmp_path / "again", Repositories(history.clones))
    if name == "swe-smith":  # what is healthy there is what the repository holds: the bug is now a larger one
        assert "does not fit" in again.rejected[0][1]
        return
    mended = load_task(tmp_path / "again" / task.name)
    assert texts(mended.solution) == texts(edited.solution)
    assert mended.checks == edited.checks and mended.instruction == "Mend the limit."


def test_tasks_of_one_commit_share_their_files(swe_bench: Row, history: History, tmp_path: Path) -> None:
    rows = [{**swe_bench, "instance_id": f"ada__parcel-{n}"} for n in (1, 2)]
    assert len(imported("swe-bench", rows, history, tmp_path).tasks) == 2
    one, two = (tmp_path / f"ada__parcel-{n}" / "environment" / "repository" / "README.md" for n in (1, 2))
    assert one.samefile(two)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ada__parcel-1", "ada__parcel-2", "import.jsonl"]


# --- what cannot be done is said ------------------------------------------------------------------------------------

BROKEN: dict[str, tuple[Row, str]] = {
    "no patch": ({"patch": ""}, "patch: empty"),
    "no diff": ({"patch": "hello\n"}, "not a unified diff"),
    "another file": ({"patch": "--- a/no.py\n+++ b/no.py\n@@ -1 +1 @@\n-a\n+b\n"}, "no.py, which is not there"),
    "other lines": ({"patch": "--- a/parcel.py\n+++ b/parcel.py\n@@ -1 +1 @@\n-a\n+b\n"}, "line 1 is not what it says"),
    "only prose": ({"patch": "--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-Parcels.\n+b\n"}, "no source file"),
    "no such commit": ({"base_commit": "0" * 40}, "fetch it there"),
    "a commit that is an option": ({"base_commit": "--output=x"}, "not a repository's name and a commit"),
    "a path as a repository": ({"repo": "../ada__parcel"}, "not a repository's name and a commit"),
    "no clone": ({"repo": "bob/sled"}, "git clone --mirror"),
    "a missing field": ({"base_commit": None}, "base_commit"),
    "tests of another runner": ({"FAIL_TO_PASS": '["test_a (app.tests.A)"]'}, "pytest node id"),
    "no list": ({"FAIL_TO_PASS": "test_a"}, "neither a list nor a JSON list"),
    "a check that is no file": ({"FAIL_TO_PASS": [" "]}, "pytest node id"),
    "no name": ({"instance_id": "///"}, "instance_id"),
    "a step upwards": ({"test_patch": "--- /dev/null\n+++ b/../../x\n@@ -0,0 +1 @@\n+b\n"}, "../../x"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_row_that_cannot_become_a_task_is_told_and_leaves_nothing(
    what: str, swe_bench: Row, history: History, tmp_path: Path
) -> None:
    change, words = BROKEN[what]
    report = imported("swe-bench", [{**swe_bench, **change}], history, tmp_path / "out")
    assert not report.tasks and words in report.rejected[0][1]
    (line,) = (tmp_path / "out" / "import.jsonl").read_text().splitlines()
    assert json.loads(line)["reason"] == report.rejected[0][1]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["import.jsonl"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_same_name_twice_keeps_the_first(swe_bench: Row, history: History, tmp_path: Path) -> None:
    report = imported("swe-bench", [swe_bench, {**swe_bench, "problem_statement": "Other."}], history, tmp_path)
    assert len(report.tasks) == 1 and "stands twice" in report.rejected[0][1]
    assert load_task(tmp_path / "ada__parcel-7").instruction == ISSUE


def test_without_clones_every_row_says_what_to_clone_where(swe_bench: Row, tmp_path: Path) -> None:
    report = import_rows(FORMATS["swe-bench"], [swe_bench], tmp_path, Repositories(None))
    assert "clones/ada__parcel.git" in report.rejected[0][1] and "--repositories" in report.rejected[0][1]


def test_what_is_no_plain_file_is_left_out_and_told(swe_bench: Row, history: History, tmp_path: Path) -> None:
    clone = tmp_path / "clones" / "parcel"
    shutil.copytree(history.clones / "ada__parcel", clone)
    run_git(clone, "checkout", "--quiet", history.buggy)
    (clone / "latest").symlink_to("/etc/passwd")
    (clone / "data.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    (clone / "run.sh").write_text("#!/bin/sh\n")
    (clone / "run.sh").chmod(0o755)
    run_git(clone, "update-index", "--add", "--cacheinfo", f"160000,{history.fixed},vendored")
    run_git(clone, "add", "latest", "data.bin", "run.sh")
    run_git(clone, "commit", "--quiet", "-m", "Odd files")
    row = {**swe_bench, "base_commit": run_git(clone, "rev-parse", "HEAD").strip()}
    report = import_rows(FORMATS["swe-bench"], [row], tmp_path / "out", Repositories(tmp_path / "clones"))
    assert not report.rejected, report.rejected
    task = load_task(tmp_path / "out" / "ada__parcel-7")
    assert {"latest", "data.bin", "vendored"}.isdisjoint(texts(task.repository))
    assert (task.repository / "run.sh").stat().st_mode & 0o100
    said = " ".join(task.metadata["unmapped"])
    assert "latest: a link" in said and "data.bin: a pointer" in said and "vendored: a submodule" in said


def test_the_users_clone_is_only_read(swe_bench: Row, history: History, tmp_path: Path) -> None:
    """No hook, filter or other program of its configuration runs, and not a byte of it changes."""
    clone = tmp_path / "clones" / "ada__parcel"
    shutil.copytree(history.clones / "ada__parcel", clone)
    trap = f"touch {tmp_path / 'sprung'}"
    for key in ("core.fsmonitor", "core.sshCommand", "filter.x.smudge", "core.pager", "diff.external"):
        run_git(clone, "config", key, trap)
    (clone / "parcel.py").write_text("my own unfinished work\n")
    before = {path: path.stat().st_mtime_ns for path in clone.rglob("*")}
    report = import_rows(FORMATS["swe-bench"], [swe_bench], tmp_path / "out", Repositories(tmp_path / "clones"))
    assert len(report.tasks) == 1
    assert {path: path.stat().st_mtime_ns for path in clone.rglob("*")} == before
    assert not (tmp_path / "sprung").exists()


def test_a_task_from_nowhere_cannot_be_a_row(shop: Task) -> None:
    for name in ("swe-bench", "swe-smith", "swe-rebench"):
        with pytest.raises(FormatError, match="repository and a commit"):
            FORMATS[name].write(shop)
    for name in ("r2e-gym", "commit0"):
        with pytest.raises(FormatError, match="names the commit"):
            FORMATS[name].write(shop)


def test_a_task_of_a_known_commit_becomes_a_row(shop: Task) -> None:
    known = shop.model_copy(update={"metadata": {"repository": "ada/shop", "commit": "ab" * 20}})
    exported = FORMATS["swe-bench"].write(known)
    assert exported.row["repo"] == "ada/shop" and exported.row["instance_id"] == "journeyman/shop"
    assert (
        "+++ b/shop/tax.py" in exported.row["patch"] and "+++ b/tests/test_hidden_tax.py" in exported.row["test_patch"]
    )
    assert known.canary not in exported.row["test_patch"]
    assert any("milestones: 2" in said for said in exported.unmapped)
    assert json.loads(exported.row["FAIL_TO_PASS"]) == list(known.fail_to_pass)
