"""An index over a run's segments, in SQLite. Only an index: delete it and it is built again from the segments."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.envs.codec import CodecError, Entry, Texts, unpack, unpack_episode
from journeyman.envs.log import Damage, LogError, scan

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE segments (name TEXT PRIMARY KEY, scanned INTEGER, size INTEGER, damage TEXT, tail TEXT);
CREATE TABLE records (segment TEXT, offset INTEGER, kind TEXT, episode TEXT, n INTEGER, PRIMARY KEY (segment, offset));
CREATE INDEX records_by_episode ON records (episode, segment);
CREATE TABLE attempts (segment TEXT, episode TEXT, task TEXT, policy TEXT, seed TEXT, finished INTEGER, stop TEXT,
  reward REAL, resolved INTEGER, steps INTEGER, started_at TEXT, duration_s REAL, PRIMARY KEY (segment, episode));
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One episode in one segment, as far as it got there."""

    segment: str
    episode: str
    task: str
    policy: str
    seed: int
    finished: bool
    stop: str
    reward: float | None
    resolved: bool | None
    steps: int
    """How many the end record counts; 0 when there is none."""
    started_at: str
    duration_s: float
    recorded: int
    """How many different steps are in the segment."""
    last: int
    """The highest step number recorded, -1 when there is none."""


class Index:
    """Brought up to date with `refresh`, which reads only what was appended since the last time."""

    def __init__(self, path: Path, segments: Path, texts: Texts) -> None:
        self._path, self._segments, self._texts = path, segments, texts
        self._memory: sqlite3.Connection | None = None

    def refresh(self) -> None:
        """Read what is new in the segments. A broken index is built again; where none can be kept, it is in memory."""
        try:
            self._refresh()
            return
        except (sqlite3.DatabaseError, OSError) as error:
            if "locked" not in str(error):
                with suppress(OSError):
                    self.drop()
        try:
            self._refresh()
        except (sqlite3.DatabaseError, OSError):  # a full disk, a folder that we may only read
            self._memory = sqlite3.connect(":memory:", check_same_thread=False)
            self._refresh()

    def drop(self) -> None:
        """Throw the index away."""
        for name in (self._path.name, self._path.name + "-journal"):
            self._path.with_name(name).unlink(missing_ok=True)

    def attempts(self) -> list[Attempt]:
        """Every episode of every segment, in the order of their ids."""
        query = """SELECT a.*, COUNT(DISTINCT r.n), COALESCE(MAX(r.n), -1) FROM attempts a
            LEFT JOIN records r ON r.segment = a.segment AND r.episode = a.episode AND r.kind = 'step'
            GROUP BY a.segment, a.episode ORDER BY a.episode, a.segment"""
        with self._open() as db:
            rows = db.execute(query).fetchall()
        return [_attempt(row) for row in rows]

    def records(self, segment: str, episode: str) -> list[tuple[str, int, int]]:
        """(kind, number, offset) of an attempt's records, in the order they were written."""
        query = "SELECT kind, n, offset FROM records WHERE segment = ? AND episode = ? ORDER BY offset"
        with self._open() as db:
            return [tuple(row) for row in db.execute(query, (segment, episode))]

    def damage(self) -> list[tuple[str, list[str], str]]:
        """(segment, what was lost in its middle, what is torn at its end) where anything is."""
        with self._open() as db:
            rows = db.execute("SELECT name, damage, tail FROM segments ORDER BY name").fetchall()
        return [(name, json.loads(damage), tail) for name, damage, tail in rows if tail or damage != "[]"]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with nullcontext(self._memory) if self._memory else closing(sqlite3.connect(self._path, timeout=30)) as db:
            if db.execute("PRAGMA user_version").fetchone()[0] != _SCHEMA_VERSION:
                _create(db)
            with db:
                yield db

    def _refresh(self) -> None:
        files = {path.name: path for path in sorted(self._segments.glob("*.log"))}
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            known = {row[0]: row[1:] for row in db.execute("SELECT name, scanned, size FROM segments")}
            for name in known.keys() - files.keys():
                _forget(db, name)
            for name, path in files.items():
                scanned, size = known.get(name, (0, -1))
                now = path.stat().st_size
                if now < size:  # its torn end was cut off, or it is another file: what was indexed may be gone
                    _forget(db, name)
                    scanned = 0
                if now != size:
                    self._read(db, path, scanned, now)

    def _read(self, db: sqlite3.Connection, path: Path, scanned: int, size: int) -> None:
        row = db.execute("SELECT damage FROM segments WHERE name = ?", (path.name,)).fetchone()
        damage, tail = json.loads(row[0]) if row else [], ""
        for item in scan(path, scanned):
            if isinstance(item, Damage):
                if item.at_end:
                    tail = str(item)
                else:
                    damage.append(str(item))
                continue
            scanned = item.end
            try:
                self._note(db, path.name, item.offset, unpack(item.payload))
            except (CodecError, LogError) as error:
                damage.append(f"the record at byte {item.offset} cannot be read: {error}")
        values = (path.name, scanned, size, json.dumps(damage), tail)
        db.execute("INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?, ?)", values)

    def _note(self, db: sqlite3.Connection, segment: str, offset: int, entry: Entry) -> None:
        if entry.kind != "step":
            episode = unpack_episode(entry, self._texts)
            known = "SELECT finished FROM attempts WHERE segment = ? AND episode = ?"
            row = db.execute(known, (segment, entry.episode_id)).fetchone()
            if row and row[0]:
                return  # a second end of the same episode counts for nothing
            resolved = None if episode.verdict is None else episode.verdict.resolved
            values = (segment, entry.episode_id, _plain(episode.task), _plain(episode.policy), str(episode.seed),
                      entry.kind == "end", episode.stop.value, episode.reward, resolved, entry.number,
                      _plain(episode.started_at), episode.duration_s)  # fmt: skip
            db.execute(f"INSERT OR REPLACE INTO attempts VALUES ({', '.join('?' * len(values))})", values)
        where = (segment, offset, entry.kind, entry.episode_id, entry.number)
        db.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)", where)


def _attempt(row: tuple[Any, ...]) -> Attempt:
    segment, episode, task, policy, seed, finished, stop, reward, resolved, steps, started_at, duration, n, last = row
    resolved = None if resolved is None else bool(resolved)
    return Attempt(
        segment, episode, task, policy, int(seed), bool(finished), stop, reward, resolved, steps, started_at, duration,
        recorded=n, last=last,
    )  # fmt: skip


def _create(db: sqlite3.Connection) -> None:
    drops = " ".join(f"DROP TABLE IF EXISTS {name};" for name in ("segments", "records", "attempts"))
    db.executescript(f"BEGIN IMMEDIATE; {drops} {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;")


def _forget(db: sqlite3.Connection, segment: str) -> None:
    for table, column in (("segments", "name"), ("records", "segment"), ("attempts", "segment")):
        db.execute(f"DELETE FROM {table} WHERE {column} = ?", (segment,))


def _plain(text: str) -> str:
    """SQLite keeps UTF-8 only; a policy may have written half a surrogate pair."""
    return text.encode("utf-8", "replace").decode()
