"""How the helper opens a folder: in one call that cannot leave, or step by step where the kernel has no such call."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from journeyman.sandbox.inside import files, kernel

FOLDER = os.O_PATH | os.O_DIRECTORY


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(files, "WRITABLE", (str(tmp_path / "workspace"),))
    (tmp_path / "workspace/a/b").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "workspace/a/out").symlink_to(tmp_path / "outside")
    (tmp_path / "workspace/a/in").symlink_to("b")
    return tmp_path / "workspace"


@pytest.mark.parametrize("path", ["a/out", "a/in", "../outside", "/etc", "a/../../outside", "a/b/c", "a/out/../b"])
def test_a_link_and_a_way_out_are_refused(top: Path, path: str) -> None:
    folder = os.open(top, FOLDER)
    with pytest.raises(OSError):
        os.close(kernel.open_beneath(folder, path, FOLDER))
    os.close(kernel.open_beneath(folder, "a/b", FOLDER))
    os.close(folder)


@pytest.mark.parametrize("answer", [None, errno.ENOSYS, errno.EPERM])
def test_it_is_the_same_folder_whatever_the_kernel_has(
    top: Path, monkeypatch: pytest.MonkeyPatch, answer: int | None
) -> None:
    if answer is not None:

        def refuse(folder: int, path: str, flags: int) -> int:
            raise OSError(answer, os.strerror(answer), path)

        monkeypatch.setattr(kernel, "open_beneath", refuse)
    for make, parent in ((False, "a/b"), (False, "a"), (False, ""), (True, "new/and/deep"), (True, "a/b")):
        folder, name = files.open_parent(str(top / parent / "file.txt"), make=make)
        assert os.path.samestat(os.fstat(folder), (top / parent).stat()) and name == "file.txt"
        os.close(folder)
    with pytest.raises(FileNotFoundError):
        files.open_parent(str(top / "nowhere/file.txt"))
    for refused in ("a/out/file.txt", "a/in/file.txt"):
        with pytest.raises(OSError):
            files.open_parent(str(top / refused), make=True)
