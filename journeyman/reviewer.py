"""Who reviews a run: what they can read there, what they have said, and where they left.

runs/RUN/review/ANNOTATOR.json    the page that somebody left
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from journeyman.annotators import NAME
from journeyman.cli_common import CannotError
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Entry, Said
from journeyman.envs.feedback.log import FeedbackLog, now
from journeyman.envs.feedback.standing import Judged, finder, standing
from journeyman.envs.guidelines.guideline import Guideline
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeStore

ORIGIN = "terminal"
_E = TypeVar("_E", bound=Said)


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who reviews, where, by what, and how much they are shown."""

    store: EpisodeStore
    annotator: str
    guidelines: tuple[Guideline, ...] = ()
    blind: bool = True
    _read: dict[str, Episode] = field(default_factory=dict, repr=False)

    @property
    def log(self) -> FeedbackLog:
        return FeedbackLog(self.store.folder)

    def find(self, id_: str) -> Episode | None:
        """The episode of that very id; read once in a sitting."""
        if id_ not in self._read and (found := finder(self.store)(id_)) is not None:
            self._read[id_] = found
        return self._read.get(id_)

    def judged(self, only: str = "") -> tuple[Judged, ...]:
        """What was said and what of it stands; of one episode alone, where one is named: no other is read for it."""
        logged = self.log.read()
        if only:
            logged = logged.of_episode(only)
        return standing(logged, self.find, logged.guidelines() | {each.name: each for each in self.guidelines})

    def entry(self, kind: type[_E], **fields: Any) -> _E:
        """An entry of this annotator's, said now in the terminal."""
        said = {"id": new_episode_id(), "annotator": self.annotator, "at": now(), "origin": ORIGIN}
        return kind.model_validate({**said, **fields})

    def keep(self, *entries: Entry) -> None:
        """Say entries, and what they are judged by where that is not in the log yet."""
        named = {ref.guideline for entry in entries if (ref := getattr(entry, "item", None)) is not None}
        for guideline in self.guidelines:
            if guideline.name in named:
                self.log.keep_guideline(guideline, self.annotator, ORIGIN)
        self.log.write(*entries)


def leave_mark(reviewer: Reviewer, episode: str, page: int) -> None:
    """Remember where somebody is."""
    path = _mark(reviewer)
    try:
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps({"episode": episode, "page": page}))
        part.replace(path)
    except OSError as error:
        raise CannotError(f"cannot write {path}: {error.strerror}") from error


def find_mark(reviewer: Reviewer) -> tuple[str, int] | None:
    """Where somebody left; None where they have not been, or what is kept of it is none."""
    try:
        mark = json.loads(_mark(reviewer).read_text())
        return str(mark["episode"]), int(mark["page"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def forget_mark(folder: Path, annotator: str) -> None:
    """Take away where somebody left, with the rest of what they said."""
    try:
        if NAME.fullmatch(annotator):
            _mark_of(folder, annotator).unlink(missing_ok=True)
    except OSError as error:
        raise CannotError(f"cannot remove {_mark_of(folder, annotator)}: {error.strerror}") from error


def _mark(reviewer: Reviewer) -> Path:
    return _mark_of(reviewer.store.folder, reviewer.annotator)


def _mark_of(folder: Path, annotator: str) -> Path:
    return folder / "review" / f"{annotator}.json"
