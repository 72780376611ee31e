"""Where a repository comes from: what is copied, what is left behind with a word, what is refused in one line."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from journeyman.tasks.sources import origin as module
from journeyman.tasks.sources.origin import obtain
from journeyman.tasks.sources.sdist import ArchiveError, SourceError
from tests.tasks.conftest import lay

FILES = {"lib.py": "x = 1\n", "test_lib.py": "", "deep/er/a.txt": "a", "__pycache__/lib.pyc": "", "venv/v.py": ""}


def git(folder: Path, *words: str) -> None:
    own = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=folder, env=own, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git folder of two commits, with an ignored file, one that was never added, and hooks that must not run."""
    folder = lay(tmp_path / "my.project", {"lib.py": "x = 0\n", ".gitignore": "*.log\n"})
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    lay(folder, {"lib.py": "x = 1\n", "junk.log": "", "new.py": ""})
    git(folder, "commit", "-qam", "second")
    for hook in ("post-checkout", "fsmonitor"):
        place = lay(folder, {f".git/hooks/{hook}": f"#!/bin/sh\ntouch {tmp_path}/ran\n"}) / f".git/hooks/{hook}"
        place.chmod(0o755)
    git(folder, "config", "core.fsmonitor", str(folder / ".git/hooks/fsmonitor"))
    (tmp_path / "scratch").mkdir()
    return folder


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_plain_folder(tmp_path: Path) -> None:
    found = obtain(str(lay(tmp_path / "lib-1", FILES)), tmp_path)
    assert (found.kind, found.name, found.notes) == ("folder", "lib-1", [])
    assert names(found.folder) == {"lib.py", "test_lib.py", "deep/er/a.txt"}


def test_a_git_folder_gives_what_git_would_keep_and_no_history(repository: Path, tmp_path: Path) -> None:
    found = obtain(str(repository), tmp_path / "scratch")
    assert (found.kind, names(found.folder)) == ("git folder", {"lib.py", "new.py", ".gitignore"})
    assert not (tmp_path / "ran").exists()


def test_a_git_url_is_cloned_without_hooks(repository: Path, tmp_path: Path) -> None:
    found = obtain(repository.as_uri(), tmp_path / "scratch")
    assert (found.kind, found.name) == ("git URL", "my.project")
    assert names(found.folder) == {"lib.py", ".gitignore"}
    assert (found.folder / "lib.py").read_text() == "x = 1\n"
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["files"] and not (tmp_path / "ran").exists()


@pytest.mark.parametrize("source", ["file:///nowhere/at/all", "ext::sh -c touch% /tmp/never", "nowhere", "lib>=1", ""])
def test_what_is_nowhere_is_said_in_one_line(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path / "empty", {})
    monkeypatch.chdir(tmp_path)
    if not source:
        source = "./none"
    with pytest.raises(SourceError) as caught:
        obtain(source, tmp_path)
    assert source in str(caught.value) and "\n" not in str(caught.value)


def test_what_cannot_come_along_is_noted(repository: Path, tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n"
    modules = '[submodule "inner"]\n\tpath = vendor/inner\n\turl = https://nowhere\n'
    lay(repository, {"data.bin": pointer, ".gitmodules": modules})
    (repository / "link").symlink_to("/etc/passwd")
    (repository / os.fsdecode(b"\xff\xfe.py")).touch()
    found = obtain(str(repository), tmp_path / "scratch")
    notes = "\n".join(found.notes)
    for part in ("Git LFS pointer", "data.bin", "submodule vendor/inner", "× link", "'link'", "no UTF-8"):
        assert part in notes, notes
    assert names(found.folder) == {"lib.py", "new.py", ".gitignore", ".gitmodules", "data.bin"}


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who runs the tests may read everything: the kernel's refusal is played."""

    def refuse(path: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(module.shutil, "copyfile", refuse)
    with pytest.raises(SourceError, match=r"cannot be read or copied: .*Permission denied: '.*a\.txt'") as caught:
        obtain(str(lay(tmp_path / "lib", {"a.txt": ""})), tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="give a source distribution"):
        obtain(str(lay(tmp_path, {"lib.py": ""}) / "lib.py"), tmp_path)


def test_what_git_says_is_told_and_not_its_advice() -> None:
    with pytest.raises(SourceError, match=r"'/nowhere/at/all' does not appear to be a git repository$"):
        obtain("file:///nowhere/at/all", Path("/tmp"))


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 2)
    with pytest.raises(SourceError, match="more than 2 files"):
        obtain(str(lay(tmp_path / "lib", FILES)), tmp_path)


def damaged(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize("damage", [damaged, lambda _: b"", lambda _: b"not an archive"])
def test_a_truncated_archive(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    packed = tmp_path / "lib-1.0.tar.gz"
    lay(tmp_path / "lib-1.0", {"lib.py": os.urandom(5000).hex()})
    subprocess.run(["tar", "czf", packed, "-C", tmp_path, "lib-1.0"], check=True)
    assert obtain(str(packed), tmp_path / "a").name == "lib"
    packed.write_bytes(damage(packed.read_bytes()))
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        obtain(str(packed), tmp_path / "b")
    assert packed.exists() and not (tmp_path / "b" / "unpacked").exists()


def test_a_wheel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="source distribution"):
        obtain(str(lay(tmp_path, {"lib-1-py3-none-any.whl": ""}) / "lib-1-py3-none-any.whl"), tmp_path)
