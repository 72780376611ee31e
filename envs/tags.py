"""What people call episodes: tags, beside the records and never in them.

    runs/RUN/tags.jsonl    one line for each time that somebody tagged, append-only

An episode bears what was last said of each tag. A line that is torn or is none is passed over.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from journeyman.envs.log import LogWriteError
from journeyman.envs.query import TAG, QueryError
from journeyman.sandbox.home import sync_folder


@dataclass(frozen=True, slots=True)
class Tagging:
    """One line of the file."""

    episode: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class Tags:
    """The tags of one run. Several processes may write at once; each line is on the disk when `write` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, tagging: Tagging) -> None:
        """Say it.

        Raises:
            QueryError: one of them is no tag; nothing was written.
            LogWriteError: the disk refused; nothing that was said before is lost.
        """
        for tag in (*tagging.add, *tagging.remove):
            if not TAG.fullmatch(tag):
                raise QueryError(f"{tag!r} is no tag: letters, digits and _ . : / - (64 characters at most)")
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        said = {"episode": tagging.episode, "add": tagging.add, "remove": tagging.remove, "at": at}
        try:
            self._append(json.dumps(said).encode() + b"\n")
        except OSError as error:
            raise LogWriteError(f"cannot write to {self.path}: {error.strerror}; the tags are as they were") from error

    def read(self) -> Iterator[Tagging]:
        """What was said, in order; nothing where nobody tagged."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        yield from _taggings(lines)

    def size(self) -> int:
        """Bytes of the file; 0 where there is none. It never shrinks."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def _append(self, line: bytes) -> None:
        fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            before = os.fstat(fd).st_size
            if before and os.pread(fd, 1, before - 1) != b"\n":  # somebody died while writing
                line = b"\n" + line
            try:
                if os.write(fd, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(fd)
                if not before:
                    sync_folder(self.path.parent)
            except OSError:
                os.ftruncate(fd, before)
                raise
        finally:
            os.close(fd)


def _taggings(lines: Iterable[bytes]) -> Iterator[Tagging]:
    for line in lines:
        try:
            data = json.loads(line)
            said = Tagging(str(data["episode"]), tuple(data["add"]), tuple(data["remove"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if all(isinstance(tag, str) and TAG.fullmatch(tag) for tag in (*said.add, *said.remove)):
            yield said
