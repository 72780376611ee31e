"""Temporary files of both sides, kept the same: what the tests write below the folder is there for the code, and back.

Regular files and folders only, told with each call as far as they changed. The tests' side takes no file that an
interpreter might run.
"""

from __future__ import annotations

import base64
import stat
from contextlib import contextmanager, suppress

from .system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import stat_result
    from typing import Any

SHARED = "/tmp/shared"
"""On both sides; their TMPDIR."""
MAX_BYTES = 8 * 1024 * 1024
"""Of the files that one call tells of together."""
MAX_FILES = 5000
RUNNABLE = (".py", ".pyc", ".pth", ".so", ".pyd", ".egg", ".zip", ".whl", ".ini", ".cfg", ".toml")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class SharedFolder:
    """One side's view of it.

    Args:
        takes_programs: whether files come in that could be run.
    """

    def __init__(self, folder: str = SHARED, *, takes_programs: bool) -> None:
        self._takes_programs = takes_programs
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._root = os.open(folder, _FOLDER)
        self._known: dict[str, tuple[int, ...]] = {}

    def changes(self) -> Any:
        """`[[path, mode, base64 or None for a folder], …], [path removed, …]` since the last call; None for nothing."""
        found: dict[str, tuple[int, ...]] = {}
        self._scan(self._root, "", found)
        if found == self._known:
            return None
        removed = sorted((path for path in self._known if path not in found), reverse=True)
        changed, left = [], MAX_BYTES
        for path, mark in found.items():
            if self._known.get(path) != mark:
                data = None if stat.S_ISDIR(mark[0]) else self._read(path, left)
                left -= len(data or b"")
                changed.append([path, mark[0] & 0o777, None if data is None else base64.b64encode(data).decode()])
        self._known = found
        return [changed, removed]

    def apply(self, changes: Any) -> None:
        """Make the other side's changes here.

        Raises:
            OSError, ValueError: a path leads out of the folder, or the disk is full.
        """
        if changes is None:
            return
        changed, removed = changes
        for path in removed:
            self._remove(path)
            self._note(path)
        for path, mode, data in changed:
            if data is None:
                self._make_folder(path, mode)
            elif self._takes_programs or not path.endswith(RUNNABLE):
                self._write(path, mode, base64.b64decode(data))
            self._note(path)

    def _scan(self, folder: int, prefix: str, found: dict[str, tuple[int, ...]]) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                about = entry.stat(follow_symlinks=False)
                if len(found) >= MAX_FILES or not _encodable(entry.name):
                    continue
                if (mark := _mark(about)) is not None:
                    found[prefix + entry.name] = mark
                if stat.S_ISDIR(about.st_mode):
                    inner = os.open(entry.name, _FOLDER, dir_fd=folder)
                    try:
                        self._scan(inner, f"{prefix}{entry.name}/", found)
                    finally:
                        os.close(inner)

    def _note(self, path: str) -> None:
        """What stands there now is what the other side has."""
        self._known.pop(path, None)
        with suppress(OSError), self._parent(path) as (folder, name):
            mark = _mark(os.stat(name, dir_fd=folder, follow_symlinks=False))
            if mark is not None:
                self._known[path] = mark

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """Descriptor of the folder that holds it, reached without following a link, and its name there."""
        parts = path.split("/")
        if not path or {"", ".", ".."} & set(parts):
            raise ValueError(f"{path!r} is no path in the shared folder")
        folder = os.dup(self._root)
        try:
            for part in parts[:-1]:
                inner = os.open(part, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder, parts[-1]
        finally:
            os.close(folder)

    def _read(self, path: str, most: int) -> bytes:
        with self._parent(path) as (folder, name):
            handle = os.open(name, _READ, dir_fd=folder)
        with os.fdopen(handle, "rb") as file:
            data: bytes = file.read(most + 1)
        if len(data) > most:
            raise OSError(f"temporary files of more than {MAX_BYTES} bytes cannot cross")
        return data

    def _write(self, path: str, mode: int, data: bytes) -> None:
        with self._parent(path) as (folder, name):
            handle = os.open(name, _WRITE, mode & 0o700 | 0o600, dir_fd=folder)
        with os.fdopen(handle, "wb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ValueError(f"{path!r} is no regular file")
            file.write(data)
            os.fchmod(handle, mode & 0o777)

    def _make_folder(self, path: str, mode: int) -> None:
        with self._parent(path) as (folder, name), suppress(FileExistsError):
            os.mkdir(name, mode & 0o777 | 0o700, dir_fd=folder)

    def _remove(self, path: str) -> None:
        # Gone already, or not empty for this side; a way that leads over a link is an error all the same.
        with suppress(FileNotFoundError), self._parent(path) as (folder, name), suppress(OSError):
            if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                os.rmdir(name, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)


def _mark(about: stat_result) -> tuple[int, ...] | None:
    """What changes when a file or folder does; nothing for anything else."""
    if stat.S_ISDIR(about.st_mode):
        return about.st_mode, about.st_ino
    if stat.S_ISREG(about.st_mode):
        return about.st_mode, about.st_size, about.st_mtime_ns, about.st_ctime_ns
    return None


def _encodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
