"""Where feedback is kept: one file of lines beside a run's episodes.

    runs/RUN/feedback.jsonl    one entry a line, append-only

Several processes may write at once; an entry is on the disk when `write` returns. A line that cannot be read (torn, or
written by a newer version) is kept where it stands, and reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from journeyman.envs.feedback.entry import ENTRY, SIMULATED, Entry, GuidelineRead, episodes_of
from journeyman.envs.feedback.references import moment
from journeyman.envs.guidelines.guideline import Guideline
from journeyman.envs.lines import locked_lines
from journeyman.envs.log import LogError, LogWriteError
from journeyman.envs.recorder import new_episode_id

FILE = "feedback.jsonl"
_ID = re.compile(rb'"id"\s*:\s*"([^"\\]*)"')


class FeedbackError(LogError, ValueError):
    """What is said cannot be kept as it is; the message says why."""


class FeedbackOutOfReach(FeedbackError, OSError):
    """The file is there and cannot be read; another time it may."""


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

    def guidelines(self) -> dict[str, Guideline]:
        """By name: of each guideline that somebody read the newest version; of the same version what was read last."""
        read = (entry for entry in self.entries if isinstance(entry, GuidelineRead))
        ordered = sorted(read, key=lambda entry: (entry.guideline.version, moment(entry)))
        return {entry.guideline.name: entry.guideline for entry in ordered}

    def of_episode(self, id_: str) -> Logged:
        """What is said of an episode, and all that speaks of other entries: that decides whether they stand."""
        return Logged(tuple(entry for entry in self.entries if id_ in (episodes_of(entry) or (id_,))), ())


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
            FeedbackError: an id is there with other words, or JSON cannot say it; nothing was written.
            LogWriteError: the disk refused; nothing that was said before is lost.
        """
        said = [(entry.id, _line(entry)) for entry in entries]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with locked_lines(self.path) as file:
                if fresh := _fresh(said, file.read()):
                    file.append(b"\n".join(fresh))
        except OSError as error:
            why = f"cannot write to {self.path}: {error.strerror}; the feedback is as it was"
            raise LogWriteError(why) from error

    def read(self) -> Logged:
        """What was said; nothing where nobody said anything.

        Raises:
            FeedbackOutOfReach: the file is there and cannot be read.
        """
        return parse(self.data())

    def data(self) -> bytes:
        """The lines as they are, for `parse`; none where nobody said anything. Raises as `read` does."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise FeedbackOutOfReach(f"cannot read {self.path}: {error.strerror}") from error

    def keep_guideline(self, guideline: Guideline, annotator: str, origin: str) -> None:
        """Keep a guideline by which somebody judges, once: nothing where the log holds the same one. Raises as `write`
        and `read` do."""
        read = (entry.guideline for entry in self.read().entries if isinstance(entry, GuidelineRead))
        if guideline not in read:
            self.write(
                GuidelineRead(
                    id=new_episode_id(), annotator=annotator, at=now(), origin=origin, guideline=guideline,
                    simulated=annotator.startswith(SIMULATED),
                )
            )  # fmt: skip


def _line(entry: Entry) -> bytes:
    try:
        line = ENTRY.dump_json(entry)
        ENTRY.validate_json(line)
    except (ValueError, RecursionError) as error:
        raise FeedbackError(f"entry {entry.id} cannot be kept as JSON: {error}") from error
    return line


def _fresh(said: Sequence[tuple[str, bytes]], data: bytes) -> list[bytes]:
    """The lines that are not there yet, each once."""
    wanted = {id_.encode() for id_, _ in said}
    # Only lines that name one of the ids are parsed: a log may be long, and is written to one entry at a time.
    near = [line for line in data.split(b"\n") if not wanted.isdisjoint(_ID.findall(line))]
    known = {entry.id: ENTRY.dump_json(entry) for entry in reversed(parse(b"\n".join(near)).entries)}
    fresh = []
    for id_, line in said:
        if (before := known.setdefault(id_, line)) is line:
            fresh.append(line)
        elif before != line:
            raise FeedbackError(f"entry {id_} was said before, in other words; give a new id")
    return fresh


def now() -> str:
    """The time, as entries tell it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def parse(data: bytes) -> Logged:
    """The lines of a log. What is no entry is among the unreadable; nothing raises."""
    entries: list[Entry] = []
    unreadable = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            entries.append(ENTRY.validate_json(line))
        except ValidationError as error:
            unreadable.append(Unreadable(number, line.decode(errors="replace"), why_not(error)))
    return Logged(tuple(entries), tuple(unreadable))


def why_not(error: ValidationError) -> str:
    """What of an entry is wrong: the first thing, and where it stands."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}"


def by_id(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Entries by their ids; of two with one id the first."""
    found: dict[str, Entry] = {}
    for entry in entries:
        found.setdefault(entry.id, entry)
    return found
