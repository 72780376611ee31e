"""Where feedback is kept: one file of lines beside a run's episodes.

    runs/RUN/feedback.jsonl    one entry a line, append-only

Several processes may write at once; an entry is on the disk when `write` returns. A line that cannot be read (torn, or
written by a newer version) is kept where it stands, and reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from journeyman.envs.feedback.entry import ENTRY, Entry
from journeyman.envs.lines import locked_lines
from journeyman.envs.log import LogError, LogWriteError

FILE = "feedback.jsonl"


class FeedbackError(LogError, ValueError):
    """What is said cannot be kept as it is; the message says why."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no entry."""

    number: int
    """From 1."""
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Logged:
    """All that a log holds, in the order in which it was said."""

    entries: tuple[Entry, ...]
    unreadable: tuple[Unreadable, ...]


class FeedbackLog:
    """The feedback of one run. It makes nothing on the disk before something is said.

    Args:
        folder: the run's.
    """

    def __init__(self, folder: Path | str) -> None:
        self.path = Path(folder) / FILE

    def write(self, *entries: Entry) -> None:
        """Keep entries, in order. One whose id is there already with the same words is passed over (a client that asks
        again after a lost answer).

        Raises:
            FeedbackError: an id is there with other words; nothing was written.
            LogWriteError: the disk refused; nothing that was said before is lost.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with locked_lines(self.path) as file:
                known = {entry.id: entry for entry in _read(file.read()).entries}
                fresh = []
                for entry in entries:
                    if (before := known.setdefault(entry.id, entry)) is entry:
                        fresh.append(entry)
                    elif before != entry:
                        raise FeedbackError(f"entry {entry.id} was said before, in other words; give a new id")
                if fresh:
                    file.append(b"\n".join(ENTRY.dump_json(entry) for entry in fresh))
        except OSError as error:
            why = f"cannot write to {self.path}: {error.strerror}; the feedback is as it was"
            raise LogWriteError(why) from error

    def read(self) -> Logged:
        """What was said; nothing where nobody said anything."""
        try:
            return _read(self.path.read_bytes())
        except FileNotFoundError:
            return Logged((), ())


def now() -> str:
    """The time, as entries tell it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _read(data: bytes) -> Logged:
    entries: list[Entry] = []
    unreadable = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            entries.append(ENTRY.validate_json(line))
        except ValidationError as error:
            unreadable.append(Unreadable(number, line.decode(errors="replace"), _why(error)))
    return Logged(tuple(entries), tuple(unreadable))


def _why(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where + ': ' if where else ''}{first['msg']}"


def by_id(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Entries by their ids; of two with one id the first."""
    found: dict[str, Entry] = {}
    for entry in entries:
        found.setdefault(entry.id, entry)
    return found
