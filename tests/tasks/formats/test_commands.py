"""`journeyman task import` and `export`, as a person calls them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from journeyman.cli import app
from journeyman.tasks.formats.format import Row
from journeyman.tasks.formats.rows import read_rows, write_rows
from tests.tasks.formats.conftest import History


def call(*words: object) -> Result:
    return CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1"}).invoke(app, ["task", *(str(word) for word in words)])


@pytest.mark.slow
def test_a_row_is_imported_proven_and_exported(swe_bench: Row, history: History, tmp_path: Path) -> None:
    write_rows([swe_bench], tmp_path / "rows.jsonl")
    out = tmp_path / "tasks"
    shown = call("import", "swe-bench", tmp_path / "rows.jsonl", "--repositories", history.clones, "--out", out)
    assert shown.exit_code == 0 and shown.stdout.startswith("1 task of 1 row in ")
    assert "not mapped: hints_text (1 row)\n" in shown.stdout
    assert call("check", out, "--runs", 3).stdout.startswith("sound")
    shown = call("export", "swe-bench", out, "--out", tmp_path / "back.jsonl")
    assert shown.exit_code == 0 and shown.stdout.startswith("1 row in ")
    assert list(read_rows(str(tmp_path / "back.jsonl"))) == [swe_bench]


def test_what_could_not_be_imported_is_told(swe_bench: Row, history: History, tmp_path: Path) -> None:
    rows = [swe_bench, {**swe_bench, "instance_id": "bob__sled-1", "repo": "bob/sled"}]
    write_rows(rows, tmp_path / "rows.jsonl")
    words = ("import", "swe-bench", tmp_path / "rows.jsonl", "--out", tmp_path / "tasks")
    shown = call(*words, "--repositories", history.clones)
    assert shown.exit_code == 1 and shown.stdout.startswith("1 task of 2 rows")
    assert "bob__sled-1: bob/sled: no clone of it; run `git clone --mirror URL" in shown.stderr
    data = json.loads(call(*words, "--repositories", history.clones, "--json").stdout)
    assert data["tasks"] == ["ada__parcel-7"] and data["rejected"][0]["row"] == "bob__sled-1"
    shown = call(
        *words, "--repositories", history.clones, "--python", "3.12", "--requirement", "six==1.17.0", "--limit", 1
    )
    assert shown.exit_code == 0
    assert (
        'requirements = [\n    "pytest",\n    "six==1.17.0",\n]'
        in (tmp_path / "tasks/ada__parcel-7/task.toml").read_text()
    )


def test_showing_an_imported_task_does_not_show_the_fix(swe_bench: Row, history: History, tmp_path: Path) -> None:
    write_rows([swe_bench], tmp_path / "rows.jsonl")
    call("import", "swe-bench", tmp_path / "rows.jsonl", "--repositories", history.clones, "--out", tmp_path / "tasks")
    for words in (("show", tmp_path / "tasks"), ("show", tmp_path / "tasks", "--json")):
        shown = call(*words)
        assert shown.exit_code == 0 and "diff --git" not in shown.stdout and "ada/parcel" in shown.stdout


def test_a_machine_without_git_is_told_so_and_does_everything_else(
    swe_bench: Row, history: History, tmp_path: Path
) -> None:
    write_rows([swe_bench], tmp_path / "rows.jsonl")
    env = {**os.environ, "PATH": str(tmp_path)}
    env.pop("GIT_PYTHON_REFRESH", None)

    def told(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "journeyman", "task", *map(str, words)]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)

    assert told("list").returncode == 0
    shown = told("import", "swe-bench", "rows.jsonl", "--repositories", history.clones, "--out", "tasks")
    assert shown.returncode == 1 and "git" in shown.stderr and "Traceback" not in shown.stderr


def test_harbor_folders_go_out_with_steps_and_come_in_again(tmp_path: Path) -> None:
    shown = call("export", "harbor", "stonelog-store", "--out", tmp_path / "harbor")
    assert shown.exit_code == 0 and "their DAG becomes a sequence" in shown.stdout
    (folder,) = (tmp_path / "harbor").iterdir()
    assert "[[steps]]" in (folder / "task.toml").read_text()
    shown = call("import", "harbor", tmp_path / "harbor", "--out", tmp_path / "tasks")
    assert shown.exit_code == 0 and shown.stdout.startswith("1 task of 1 row")
    assert call("import", "harbor", tmp_path / "tasks" / "no", "--out", tmp_path / "more").exit_code == 2


@pytest.mark.parametrize(
    "words,why",
    [
        (("import", "swe-bunch", "rows.jsonl", "--out", "out"), "no format 'swe-bunch'; there are: swe-bench"),
        (("import", "swe-bench", "rows.jsonl", "--out", "out"), "no such file or folder"),
        (("import", "swe-bench", "rows.jsonl", "--out", "out", "--repositories", "no"), "no such folder"),
        (("export", "swe-bench", "till-line-rounding", "--out", "back.jsonl"), "names a repository and a commit"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    words: tuple[str, ...], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = call(*words)
    assert shown.exit_code == 2 and why in shown.stderr and shown.stderr.startswith("error: ")
    assert not list(tmp_path.glob("*.jsonl"))
