"""Who reviews a run: what they can read there, what they have said, and where they left.

runs/RUN/review/ANNOTATOR.json    the page that somebody left
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from journeyman.cli_common import CannotError
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Entry, GuidelineRead, Said, episodes_of
from journeyman.envs.feedback.log import FeedbackLog, now
from journeyman.envs.feedback.standing import Judged, standing
from journeyman.envs.guidelines.guideline import Guideline
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeStore, StoreError

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
        if id_ not in self._read:
            try:
                found = self.store.get(id_)
            except StoreError:
                return None
            if found.id != id_:
                return None
            self._read[id_] = found
        return self._read[id_]

    def judged(self, only: str = "") -> tuple[Judged, ...]:
        """What was said and what of it stands; of one episode alone, where one is named: no other is read for it."""
        logged = self.log.read()
        if only:
            about = [entry for entry in logged.entries if only in (episodes_of(entry) or (only,))]
            logged = replace(logged, entries=tuple(about))
        return standing(logged, self.find, {each.name: each for each in self.guidelines})

    def entry(self, kind: type[_E], **fields: Any) -> _E:
        """An entry of this annotator's, said now in the terminal."""
        said = {"id": new_episode_id(), "annotator": self.annotator, "at": now(), "origin": "terminal"}
        return kind.model_validate({**said, **fields})

    def keep(self, *entries: Entry) -> None:
        """Say entries, and what they are judged by where that is not in the log yet."""
        logged = self.log.read().entries
        known = [entry.guideline for entry in logged if isinstance(entry, GuidelineRead)]
        named = {ref.guideline for entry in entries if (ref := getattr(entry, "item", None)) is not None}
        read = [each for each in self.guidelines if each.name in named and each not in known]
        self.log.write(*(self.entry(GuidelineRead, guideline=each) for each in read), *entries)


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
    """Keep no longer where somebody left in a run, under their name."""
    for path in (folder / "review").glob("*.json"):
        if path.stem == annotator:
            path.unlink(missing_ok=True)


def _mark(reviewer: Reviewer) -> Path:
    return reviewer.store.folder / "review" / f"{reviewer.annotator}.json"
