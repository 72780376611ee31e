"""A task that travels is the same task elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from journeyman.sandbox.template import template_of
from journeyman.tasks.packed import digest_of, pack, unpacked
from journeyman.tasks.task import TaskError
from tests.making import tiny_task


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Another machine's cache."""
    monkeypatch.setenv("JOURNEYMAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_same_files_are_the_same_archive(tmp_path: Path) -> None:
    one, same, other = (tiny_task(tmp_path / name) for name in ("one", "same", "other"))
    (other.repository / "parcel.py").write_text("")
    os.utime(same.repository / "parcel.py", (1, 1))
    assert pack(one) == pack(same) != pack(other)


def test_it_arrives_as_it_left_and_is_fetched_once(tmp_path: Path) -> None:
    task = tiny_task(tmp_path)
    script = task.repository / "go.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    (task.repository / "link").symlink_to("/etc/hostname")
    (task.repository / "empty").mkdir()
    os.mkfifo(task.repository / "pipe")
    archive = pack(task)
    fetched = []

    def fetch() -> bytes:
        fetched.append(1)
        return archive

    there, again = (unpacked(task, digest_of(archive), fetch) for _ in range(2))
    assert there == again and len(fetched) == 1
    assert there.repository != task.repository and there.checks == task.checks
    assert template_of(there.repository).tree_hash == template_of(task.repository).tree_hash
    assert (there.repository / "link").readlink() == Path("/etc/hostname") and not (there.repository / "pipe").exists()
    for name in ("hidden", "solution"):
        here, moved = getattr(task, name), getattr(there, name)
        assert {p.relative_to(here): p.read_bytes() for p in here.rglob("*.py")} == {
            p.relative_to(moved): p.read_bytes() for p in moved.rglob("*.py")
        }


def test_a_task_without_hidden_files_has_none_there_either(tmp_path: Path) -> None:
    task = tiny_task(tmp_path, hidden=None, solution=None)
    archive = pack(task)
    there = unpacked(task, digest_of(archive), lambda: archive)
    assert there.hidden is None and there.solution is None


def test_an_archive_that_is_cut_short_leaves_nothing(tmp_path: Path, elsewhere: Path) -> None:
    task = tiny_task(tmp_path)
    archive = pack(task)
    with pytest.raises(EOFError):
        unpacked(task, digest_of(archive), lambda: archive[: len(archive) // 2])
    assert [path.suffix for path in (elsewhere / "packed").iterdir()] == [".lock"]
    assert unpacked(task, digest_of(archive), lambda: archive).repository.is_dir()


def test_a_task_whose_files_are_gone_says_so(tmp_path: Path) -> None:
    task = tiny_task(tmp_path)
    with pytest.raises(TaskError, match="tiny-parcel"):
        pack(task.model_copy(update={"hidden": tmp_path / "nowhere"}))
