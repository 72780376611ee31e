"""What people call episodes: tags, beside the records and never in them.

    runs/RUN/tags.jsonl    one line for each time that somebody tagged, append-only

An episode bears what was last said of each tag. A line that is torn or is none is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from journeyman.envs.lines import locked_lines
from journeyman.envs.log import LogWriteError
from journeyman.envs.query import TAG, QueryError


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
            with locked_lines(self.path) as file:
                file.append(json.dumps(said).encode())
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


def _taggings(lines: Iterable[bytes]) -> Iterator[Tagging]:
    for line in lines:
        try:
            data = json.loads(line)
            said = Tagging(str(data["episode"]), tuple(data["add"]), tuple(data["remove"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if all(isinstance(tag, str) and TAG.fullmatch(tag) for tag in (*said.add, *said.remove)):
            yield said
