"""Forgetting: what one annotator said goes from a run's log, with all that speaks of it.

The guidelines stay that were read, under nobody's name: others may have judged by them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.envs.feedback.entry import ENTRY, Entry, GuidelineRead, refers_to
from journeyman.envs.feedback.log import FeedbackError, FeedbackLog, Logged, Unreadable, parse
from journeyman.envs.lines import locked_lines
from journeyman.envs.log import LogWriteError

NOBODY = "forgotten"
"""Stands for the annotator who read a guideline and is forgotten."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What goes, or has gone."""

    entries: tuple[Entry, ...]
    """The annotator's own."""
    about: tuple[Entry, ...]
    """Of others, about what goes: answers, adjudications, resolutions, and what takes these back."""
    renamed: tuple[GuidelineRead, ...]
    """Guidelines that stay, under nobody's name."""
    lines: tuple[Unreadable, ...]
    """Unreadable lines that are the annotator's, or speak of what goes."""
    mentioned: tuple[str, ...]
    """Ids of entries that stay, in whose words the annotator is named: theirs to take back."""

    def __bool__(self) -> bool:
        return bool(self.entries or self.about or self.renamed or self.lines)


def forget(folder: Path | str, annotator: str, *, dry_run: bool = False) -> Forgotten:
    """Take all that an annotator said out of a run's feedback.

    The log is written aside and renamed: after a crash it is as it was, or done. Who writes meanwhile waits.

    Args:
        dry_run: only say what would go.

    Raises:
        LogWriteError: the disk refused; the feedback is as it was.
        FeedbackError: the feedback cannot be read, or nobody is named.
    """
    if not annotator.strip():
        raise FeedbackError("forget whom? The annotator's name is empty")
    log = FeedbackLog(folder)
    if dry_run or not log.path.exists():
        return _forgotten(log.read(), annotator)
    try:
        with locked_lines(log.path) as file:
            data = file.read()
            if found := _forgotten(parse(data), annotator):
                file.replace(_without(data, found))
    except OSError as error:
        raise LogWriteError(f"cannot write to {log.path}: {error.strerror}; the feedback is as it was") from error
    return found


def _forgotten(logged: Logged, annotator: str) -> Forgotten:
    theirs = [entry for entry in logged.entries if entry.annotator == annotator]
    own = [entry for entry in theirs if not isinstance(entry, GuidelineRead)]
    read = [entry for entry in theirs if isinstance(entry, GuidelineRead)]
    ids = {entry.id for entry in theirs}
    about: list[Entry] = []
    others = [entry for entry in logged.entries if entry.annotator != annotator]
    going = True
    while going:
        stay: list[Entry] = []
        going = False
        for entry in others:
            if ids.isdisjoint(refers_to(entry)):
                stay.append(entry)
            else:
                going = True
                about.append(entry)
                ids.add(entry.id)
        others = stay
    lines = [each for each in logged.unreadable if _is_of(each.text, annotator, ids)]
    word = re.compile(rf"(?<!\w){re.escape(annotator)}(?!\w)")
    named = [entry.id for entry in others if word.search(ENTRY.dump_json(entry, exclude={"annotator"}).decode())]
    return Forgotten(tuple(own), tuple(about), tuple(read), tuple(lines), tuple(named))


def _is_of(line: str, annotator: str, ids: Set[str]) -> bool:
    """Whether a line that is no entry was the annotator's, or speaks of what goes."""
    try:
        return not {annotator, *ids}.isdisjoint(_strings(json.loads(line)))
    except (ValueError, RecursionError):  # torn: what it says first is its id and its annotator
        said = re.search(r'"annotator"\s*:\s*"([^"]*)("?)', line)
        torn = said is not None and (said[1] == annotator if said[2] else annotator.startswith(said[1]))
        return torn or not ids.isdisjoint(re.findall(r"[\w.-]+", line))


def _strings(value: Any) -> Iterable[str]:
    below = [value]
    while below:
        match below.pop():
            case str() as text:
                yield text
            case list() as many:
                below += many
            case dict() as named:
                below += named.values()


def _without(data: bytes, gone: Forgotten) -> bytes:
    """The log's lines as they were written, but for those that go; a guideline under nobody's name is there once."""
    going = set(map(ENTRY.dump_json, (*gone.entries, *gone.about)))
    numbers = {line.number for line in gone.lines}
    names = {ENTRY.dump_json(read): _nobodys(read) for read in gone.renamed}
    lines = data.split(b"\n")
    there, kept = set(lines), list[bytes]()
    for number, line in enumerate(lines, 1):
        said = list(map(ENTRY.dump_json, parse(line).entries))
        if number in numbers or not line.strip() or not going.isdisjoint(said):
            continue
        nobodys = names.get(said[0]) if said else None
        if nobodys not in there:
            kept.append(nobodys or line)
        if nobodys is not None:
            there.add(nobodys)
    return b"".join(line + b"\n" for line in kept)


def _nobodys(read: GuidelineRead) -> bytes:
    """A guideline that was read, without who read it and when."""
    said = read.guideline.model_dump_json().encode()
    id_ = f"guideline-{hashlib.sha256(said).hexdigest()[:16]}"
    return ENTRY.dump_json(GuidelineRead(id=id_, annotator=NOBODY, at="", origin=NOBODY, guideline=read.guideline))
