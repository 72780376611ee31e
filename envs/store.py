"""Where episodes are kept: recorded step by step, so that what was acknowledged survives whatever happens next.

    runs/RUN/segments/*.log   what happened, one append-only file per writing process (envs/log.py)
    runs/RUN/blobs/           long texts, by content
    runs/RUN/tags.jsonl       what people call episodes (envs/tags.py)
    runs/RUN/index.sqlite     where is what; may be deleted at any time

Any number of processes and threads may write to one run at once, and others may read it meanwhile. An episode that
was recorded twice (a retried worker, a copied segment) counts once.

Errors:

    StoreError (RuntimeError)
    ├── EpisodeNotFound (LookupError)    no such episode, or more than one begins so
    └── EpisodeDamaged                   it is there, but bytes of it are lost; the message says which
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from journeyman.envs.blobs import Blobs
from journeyman.envs.codec import CodecError, pack_episode, pack_step, unpack, unpack_episode, unpack_step
from journeyman.envs.episode import Episode, Step
from journeyman.envs.feedback.entry import Entry
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.index import Attempt, Index
from journeyman.envs.log import LogError, has_living_writer, read_at
from journeyman.envs.query import Query
from journeyman.envs.recorder import is_episode_id, new_episode_id
from journeyman.envs.segments import Segments
from journeyman.envs.summary import Found, State, Summary
from journeyman.envs.tags import Tagging, Tags


class StoreError(RuntimeError):
    """The store was asked for something that it cannot do."""


class EpisodeNotFound(StoreError, LookupError):
    """No episode of that name, or more than one."""


class EpisodeDamaged(StoreError):
    """Bytes of this episode are lost."""


_MANY = ""
"""Stands for the episodes that are written at once; no episode has this id."""


class EpisodeStore:
    """The episodes of one run folder, for writing, reading or both. It makes nothing on the disk before it must."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._segments = self.folder / "segments"
        self._written = Segments(self._segments, new_episode_id)
        self._blobs = Blobs(self.folder / "blobs")
        self.tags = Tags(self.folder / "tags.jsonl")
        self._index = Index(self.folder / "index.sqlite", self._segments, self.tags, self._blobs)
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._open: dict[str, list[Step]] = {}
        self._finished: set[str] = set()

    # writing

    def begin(self, episode: Episode) -> None:
        """See `Recorder`.

        Raises:
            LogWriteError: the disk refused (full, quota); nothing acknowledged is lost.
            StoreError: the id is not one, or has begun before.
        """
        _check_id(episode.id)
        with self._lock:
            self._leave_parent()
            if episode.id in self._open or episode.id in self._finished:
                raise StoreError(f"episode {episode.id} has begun before")
            self._written.begin(episode.id, pack_episode("begin", replace(episode, steps=()), self._blobs))
            self._open[episode.id] = []

    def step(self, episode_id: str, step: Step) -> None:
        """See `Recorder`. Raises as `begin` does."""
        with self._lock:
            steps = self._begun(episode_id)
            self._written.append(episode_id, pack_step(episode_id, len(steps), step, self._blobs))
            steps.append(step)

    def finish(self, episode: Episode) -> None:
        """See `Recorder`. Raises as `begin` does, and StoreError when it has fewer steps than were recorded."""
        with self._lock:
            steps = self._begun(episode.id)
            if len(steps) > len(episode.steps):
                raise StoreError(
                    f"episode {episode.id} ends with {len(episode.steps)} steps, {len(steps)} were recorded"
                )
            missing = [n for n, step in enumerate(episode.steps) if n >= len(steps) or steps[n] != step]
            payloads = [pack_step(episode.id, n, episode.steps[n], self._blobs) for n in missing]
            self._written.append(episode.id, *payloads, pack_episode("end", episode, self._blobs))
            self._written.end(episode.id)
            del self._open[episode.id]
            self._finished.add(episode.id)

    def said(self, *entries: Entry) -> None:
        """See `Hearing`: into the run's feedback. Raises as `FeedbackLog.write` does."""
        FeedbackLog(self.folder).write(*entries)

    def add(self, episode: Episode) -> None:
        """Record a whole episode at once; one that this store has recorded already is left as it is."""
        with self._lock:
            if episode.id not in self._finished:
                if episode.id not in self._open:
                    self.begin(episode)
                self.finish(episode)

    def add_many(self, episodes: Iterable[Episode]) -> None:
        """Record whole episodes with one write: all of them are on the disk when it returns, or none."""
        with self._lock:
            self._leave_parent()
            payloads, ids = [], set[str]()
            for episode in episodes:
                _check_id(episode.id)
                if episode.id in self._open:
                    raise StoreError(f"episode {episode.id} has begun before")
                if episode.id not in self._finished | ids:
                    payloads.append(pack_episode("begin", replace(episode, steps=()), self._blobs))
                    payloads += [pack_step(episode.id, n, step, self._blobs) for n, step in enumerate(episode.steps)]
                    payloads.append(pack_episode("end", episode, self._blobs))
                    ids.add(episode.id)
            if payloads:
                self._written.begin(_MANY, *payloads)
                self._written.end(_MANY)
            self._finished |= ids

    def close(self) -> None:
        """Let go of the segment: episodes that have not finished now read as interrupted. Idempotent."""
        with self._lock:
            self._written.close()
            self._open.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    # reading

    def find(self, query: Query) -> Found:
        """The episodes that a query takes: from the index alone, so that 100,000 of them are no burden.

        Raises:
            QueryError: text is asked for, and this SQLite cannot look for any.
        """
        if (index := self.index()) is None:
            return Found((), 0, 0, 0)
        attempts, counts = index.page(query)
        return Found(tuple(map(Summary.of, attempts)), *counts)

    def summaries(self) -> list[Summary]:
        """One line for every episode, oldest first."""
        return [Summary.of(attempt) for attempt in self._attempts()]

    def choices(self) -> dict[str, dict[str, int]]:
        """What a query's fields "task", "policy", "stop" and "tag" can ask for, each with how many episodes have it."""
        index = self.index()
        return index.choices() if index is not None else {"task": {}, "policy": {}, "stop": {}, "tag": {}}

    def stamp(self) -> str:
        """Names what the run holds now; the same until something is recorded, tagged or ends. Reads no record."""
        segments = sorted(self._segments.glob("*.log"))
        sizes = [(path.name, path.stat().st_size, has_living_writer(path)) for path in segments]
        return hashlib.sha256(repr([sizes, self.tags.size()]).encode()).hexdigest()[:32]

    def episodes(self) -> Iterator[Episode]:
        """Every episode that can be read, oldest first, those still running left out; `problems` names the others."""
        for attempt in self._attempts():
            if attempt.state in (State.FINISHED, State.INTERRUPTED):
                try:
                    yield self._read(attempt)
                except EpisodeDamaged:
                    continue

    def get(self, name: str) -> Episode:
        """An episode by its id, the unique beginning of its id or of the part after the dash, "last", or "best"
        (highest reward, then fewest steps, then latest). One that still runs is read as far as it is.

        Raises:
            EpisodeNotFound: there is none, or more than one begins so.
            EpisodeDamaged: bytes of it are lost.
        """
        return self._read(self._find(name))

    def find_id(self, name: str) -> str:
        """The id of an episode that is named as for `get`. Raises EpisodeNotFound as `get` does."""
        return self._find(name).episode

    def problems(self, *, thorough: bool = True) -> list[str]:
        """What was lost, in words: damaged segments and the episodes that cannot be read.

        Args:
            thorough: read every byte and every episode; else only what the index knows is told.
        """
        if thorough:  # bytes of the records, and of the index, may have changed since they were read
            self.rebuild_index()
        if (index := self.index()) is None:
            return []
        found = []
        for segment, damage, tail in index.damage():
            found += [f"{segment}: {line}" for line in damage]
            if tail and not has_living_writer(self._segments / segment):
                found.append(f"{segment}: {tail}")
        for attempt in index.find(Query() if thorough else Query(stop=State.DAMAGED)):
            try:
                self._read(attempt)
            except EpisodeDamaged as error:
                found.append(str(error))
        return found

    def tag(self, name: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Summary:
        """Tag an episode, named as for `get`, and take tags from it; returns how it stands now.

        Raises:
            EpisodeNotFound: there is none, or more than one begins so.
            QueryError: one of them is no tag; nothing was changed.
            LogWriteError: the disk refused.
        """
        episode = self._find(name).episode
        tagging = Tagging(episode, tuple(add), tuple(remove))
        if tagging.add or tagging.remove:
            self.tags.write(tagging)
        return Summary.of(self._find(episode))

    def rebuild_index(self) -> None:
        """Throw the index away and build it from the segments."""
        if self._segments.is_dir():
            self._index.rebuild()

    def _leave_parent(self) -> None:
        if self._pid != os.getpid():  # we are a fork: the segment, and what runs in it, stay the parent's
            self.close()
            self._pid = os.getpid()

    def _begun(self, episode_id: str) -> list[Step]:
        self._leave_parent()
        if episode_id not in self._open:
            raise StoreError(f"episode {episode_id} has not begun in this store, or has ended")
        return self._open[episode_id]

    def index(self) -> Index | None:
        """The index, brought up to date; None where there is no run at all."""
        if not self._segments.is_dir():
            return None
        self._index.refresh()
        return self._index

    def _attempts(self) -> list[Attempt]:
        """The one attempt that counts for each episode, oldest first."""
        return index.find(Query()) if (index := self.index()) is not None else []

    def _find(self, name: str) -> Attempt:
        index = self.index()
        latest = index.find(Query(descending=True, limit=1)) if index is not None else []
        if index is None or not latest:
            raise EpisodeNotFound(f"no episodes in {self.folder}")
        if name == "last":
            return latest[0]
        found = _best(index) if name == "best" else index.named(name)
        if name == "best" and not found:
            raise EpisodeNotFound(f"no finished and scored episode in {self.folder}, so none is best")
        if len(found) != 1:
            why = f"{len(found)} episodes begin with" if found else "no episode begins with"
            raise EpisodeNotFound(f"{why} {name!r} in {self.folder}; `journeyman episode list` shows their ids")
        return found[0]

    def _read(self, attempt: Attempt) -> Episode:
        path = self._segments / attempt.segment
        head: Episode | None = None
        steps: dict[int, Step] = {}
        try:
            for kind, number, offset in self._index.records(attempt):
                entry = unpack(read_at(path, offset))
                if kind == "step":
                    steps[number] = unpack_step(entry, self._blobs)  # a later record of the same step corrects it
                else:
                    head = unpack_episode(entry, self._blobs)
        except (LogError, CodecError, OSError) as error:
            raise EpisodeDamaged(f"episode {attempt.episode}: {error}") from error
        count = attempt.steps if attempt.finished else attempt.last + 1
        lost = [str(n) for n in range(count) if n not in steps]
        if head is None or lost:
            what = f"step {', '.join(lost)}" if lost else "its beginning"
            raise EpisodeDamaged(f"episode {attempt.episode}: {what} is lost from {path}")
        done = tuple(steps[n] for n in range(count))
        duration = head.duration_s if attempt.finished else sum(step.duration_s for step in done)
        return replace(head, steps=done, duration_s=duration)


def _best(index: Index) -> list[Attempt]:
    scored = [each for each in index.find(Query(min_reward=-math.inf)) if each.state == State.FINISHED]
    return [max(scored, key=lambda each: (each.reward, -each.steps, each.episode))] if scored else []


def _check_id(name: str) -> None:
    if not is_episode_id(name):
        raise StoreError(f"{name!r} is no episode id: use new_episode_id()")
