"""Files to which lines are added by several processes, each whole and on the disk, or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from journeyman.sandbox.home import sync_folder


class LineFile:
    """A file of lines while nobody else adds to it."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path, self._fd = path, fd

    def read(self) -> bytes:
        """All that stands in it."""
        return os.pread(self._fd, os.fstat(self._fd).st_size, 0)

    def append(self, line: bytes) -> None:
        """Add a line, without its end; it is on the disk when this returns.

        Raises:
            OSError: the disk refused; the file is as it was.
        """
        line += b"\n"
        before = os.fstat(self._fd).st_size
        if before and os.pread(self._fd, 1, before - 1) != b"\n":  # somebody died while writing
            line = b"\n" + line
        try:
            if os.write(self._fd, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._fd)
            if not before:
                sync_folder(self._path.parent)
        except OSError:
            os.ftruncate(self._fd, before)
            raise

    def replace(self, data: bytes) -> None:
        """Put other contents in the place of all that stands in it: whole, or not at all. Nothing is added after it.

        They are written aside and renamed, so whoever reads meanwhile reads the one or the other.

        Raises:
            OSError: the disk refused; the file is as it was.
        """
        path = self._path.resolve()  # what a link leads to, not the link
        aside = path.with_name(f".{path.name}.aside")
        try:
            with aside.open("wb") as file:
                os.fchmod(file.fileno(), os.fstat(self._fd).st_mode & 0o777)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            aside.rename(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


@contextmanager
def locked_lines(path: Path) -> Iterator[LineFile]:
    """Open a file of lines, made if need be, for this process alone; it waits for those that have it.

    Raises:
        OSError: it cannot be opened.
    """
    fd = _locked(path)
    try:
        yield LineFile(path, fd)
    finally:
        os.close(fd)


def _locked(path: Path) -> int:
    """A descriptor with the lock of the file that has the name now: while it waited another may have come there."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if _is_at(fd, path):
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
