"""An index over a run's segments and tags, in SQLite. Only an index: delete it and it is built again from them."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.envs.codec import CodecError, Entry, Texts, unpack, unpack_episode
from journeyman.envs.index_text import text_of_episode, text_of_step
from journeyman.envs.log import Damage, LogError, has_living_writer, scan
from journeyman.envs.query import DAMAGED, ENDED, ROW_BITS, STATE, Query, QueryError, order, phrases, where
from journeyman.envs.tags import Tags

_SCHEMA_VERSION = 3
_TABLES = ("segments", "attempts", "records", "tags", "texts")
_SCHEMA = """
CREATE TABLE segments (name TEXT PRIMARY KEY, scanned INTEGER, size INTEGER, damage TEXT, tail TEXT);
CREATE TABLE attempts (key INTEGER PRIMARY KEY AUTOINCREMENT, segment TEXT, episode TEXT, task TEXT, policy TEXT,
  seed TEXT, finished INTEGER DEFAULT 0, stop TEXT, reward REAL, resolved INTEGER, steps INTEGER DEFAULT 0,
  started_at TEXT, duration_s REAL, parent TEXT, forked_at INTEGER, recorded INTEGER DEFAULT 0, last INTEGER DEFAULT -1,
  best INTEGER DEFAULT 1, texts INTEGER DEFAULT 0, UNIQUE (episode, segment));
CREATE INDEX attempts_unfinished ON attempts (segment) WHERE NOT finished;
CREATE TABLE records (attempt INTEGER, offset INTEGER, kind TEXT, n INTEGER, PRIMARY KEY (attempt, offset))
  WITHOUT ROWID;
CREATE TABLE tags (episode TEXT, tag TEXT, PRIMARY KEY (episode, tag)) WITHOUT ROWID;
CREATE INDEX tags_by_tag ON tags (tag);
"""
_TEXTS = "CREATE VIRTUAL TABLE texts USING fts5(body, content='')"
"""What each refresh found of an attempt; the row's id names both. It keeps no text, and no row is ever deleted: those
of attempts that are gone lead nowhere, for no key is given twice."""
_numbers = itertools.count()
_TAGS = "tags.jsonl"
"""Stands among the segments as what was read of the tags."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One episode in one segment, as far as it got there."""

    key: int
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
    parent: str
    """The episode that it was forked from, or nothing."""
    forked_at: int | None
    """After so many of its parent's steps."""
    recorded: int
    """How many different steps are in the segment."""
    last: int
    """The highest step number recorded, -1 when there is none."""
    state: str
    """"finished", "running", "interrupted" or "damaged"."""
    tags: tuple[str, ...]


_SELECT = f"""SELECT key, segment, episode, task, policy, seed, finished, stop, reward, resolved, steps, started_at,
  duration_s, COALESCE(parent, ''), forked_at, recorded, last, {STATE},
  (SELECT json_group_array(tag) FROM tags WHERE tags.episode = attempts.episode) FROM attempts"""


class Index:
    """Brought up to date with `refresh`, which reads only what was appended since the last time."""

    def __init__(self, path: Path, segments: Path, tags: Tags, texts: Texts) -> None:
        self._path, self._segments, self._tags, self._texts = path, segments, tags, texts
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
            self._keep_in_memory()
            self._refresh()

    def rebuild(self) -> None:
        """Throw the index away and build it from the segments."""
        try:
            self.drop()
        except OSError:  # also the one that is there may not be what it was
            self._keep_in_memory()
        self.refresh()

    def _keep_in_memory(self) -> None:
        if self._memory is not None:
            self._memory.close()
        self._memory = sqlite3.connect(":memory:", check_same_thread=False)

    def drop(self) -> None:
        """Throw the index away. Raises OSError where it may not be touched."""
        for name in (self._path.name, self._path.name + "-journal"):
            self._path.with_name(name).unlink(missing_ok=True)

    def find(self, query: Query) -> list[Attempt]:
        """The attempt that counts of each episode that a query takes, in its order.

        Raises:
            QueryError: this SQLite cannot look for text.
        """
        with self._asking(query) as (db, condition, values):
            return _found(db, query, condition, values)

    def page(self, query: Query) -> tuple[list[Attempt], tuple[int, int, int]]:
        """As `find`, with how many episodes the query takes, limit and offset aside; how many of them are scored, and
        resolved."""
        with self._asking(query) as (db, condition, values):
            select = f"SELECT COUNT(*), COUNT(resolved), COALESCE(SUM(resolved), 0) FROM attempts WHERE {condition}"
            return _found(db, query, condition, values), db.execute(select, values).fetchone()

    def groups(self, query: Query, by: str) -> list[tuple[str, int, int, int, float | None, float]]:
        """The episodes that a query takes, together by "task", "policy" or "stop", limit and offset aside: name, how
        many, scored, resolved, mean reward, mean number of steps."""
        column = {"task": "task", "policy": "policy", "stop": ENDED}[by]
        with self._asking(query) as (db, condition, values):
            select = f"""SELECT {column}, COUNT(*), COUNT(resolved), COALESCE(SUM(resolved), 0), AVG(reward),
                AVG(recorded) FROM attempts WHERE {condition} GROUP BY 1 ORDER BY 1"""
            return db.execute(select, values).fetchall()

    def rewards(self, query: Query) -> list[float]:
        """The rewards of the scored episodes that a query takes, the oldest first, limit and offset aside."""
        with self._asking(query) as (db, condition, values):
            select = f"SELECT reward FROM attempts WHERE {condition} AND reward IS NOT NULL ORDER BY episode"
            return [reward for (reward,) in db.execute(select, values)]

    def named(self, name: str) -> list[Attempt]:
        """The episode of that id, else those whose id, or its part after the dash, begins so."""
        begins = "substr(episode, 1, length(:name)) = :name"
        begins += " OR substr(episode, instr(episode, '-') + 1, length(:name)) = :name"
        for condition in ("episode = :name", f"length(:name) > 0 AND ({begins})"):
            select = f"{_SELECT} WHERE best AND task IS NOT NULL AND ({condition}) ORDER BY episode"
            if found := self._asked(select, {"name": _plain(name)}):
                break
        return [_attempt(row) for row in found]

    def choices(self) -> dict[str, dict[str, int]]:
        """Tasks, policies, stops (as `Query.stop`) and tags that occur, each with how many episodes have it."""
        found = {}
        for name, column in (("task", "task"), ("policy", "policy"), ("stop", ENDED)):
            select = f"SELECT {column}, COUNT(*) FROM attempts WHERE best AND task IS NOT NULL GROUP BY 1 ORDER BY 1"
            found[name] = dict(self._asked(select, {}))
        found["tag"] = dict(self._asked("SELECT tag, COUNT(*) FROM tags GROUP BY tag ORDER BY tag", {}))
        return found

    def records(self, attempt: Attempt) -> list[tuple[str, int, int]]:
        """(kind, number, offset) of an attempt's records, in the order they were written."""
        with self._open() as db:
            return db.execute(
                "SELECT kind, n, offset FROM records WHERE attempt = ? ORDER BY offset", (attempt.key,)
            ).fetchall()

    def damage(self) -> list[tuple[str, list[str], str]]:
        """(segment, what was lost in its middle, what is torn at its end) where anything is."""
        with self._open() as db:
            rows = db.execute("SELECT name, damage, tail FROM segments ORDER BY name").fetchall()
        return [(name, json.loads(damage), tail) for name, damage, tail in rows if tail or damage != "[]"]

    def _asked(self, select: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._open() as db:
            return db.execute(select, values | {"alive": json.dumps(self._alive(db))}).fetchall()

    @contextmanager
    def _asking(self, query: Query) -> Iterator[tuple[sqlite3.Connection, str, dict[str, Any]]]:
        """A query's condition and values. Text is looked for here, once: a word that occurs everywhere takes longer
        than all else, and most answers ask for their condition twice."""
        condition, values = where(query)
        with self._open() as db:
            values |= {"alive": json.dumps(self._alive(db))}
            if phrases(query.text):
                if not _has_texts(db):
                    raise QueryError("this Python's SQLite is built without FTS5, so no text can be looked for")
                name = f"taken{next(_numbers)}"  # an index in memory is asked by several threads at once
                db.execute("PRAGMA temp_store = memory")
                db.execute(f"CREATE TEMP TABLE {name} AS SELECT key FROM attempts WHERE {condition}", values)
                try:
                    yield db, f"key IN (SELECT key FROM {name})", values
                finally:
                    db.execute(f"DROP TABLE {name}")
            else:
                yield db, condition, values

    def _alive(self, db: sqlite3.Connection) -> list[str]:
        """The segments with unfinished episodes whose writer lives."""
        names = [name for (name,) in db.execute("SELECT DISTINCT segment FROM attempts WHERE NOT finished")]
        return [name for name in names if (path := self._segments / name).exists() and has_living_writer(path)]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with nullcontext(self._memory) if self._memory else closing(sqlite3.connect(self._path, timeout=30)) as db:
            if not _is_current(db):
                _create(db)
            with db:
                yield db

    def _refresh(self) -> None:
        files = {path.name: path.stat().st_size for path in sorted(self._segments.glob("*.log"))}
        files[_TAGS] = self._tags.size()
        with self._open() as db:
            if _sizes(db) == files and not _unsettled(db):
                return
            db.execute("BEGIN IMMEDIATE")
            known = _sizes(db)
            for name in known.keys() - files.keys():
                _forget(db, name)
            if known.get(_TAGS) != files[_TAGS]:
                self._read_tags(db, files[_TAGS])
            changed = _unsettled(db)
            for name, now in files.items():
                if name != _TAGS and now != known.get(name):
                    if now < known.get(name, 0):  # its torn end was cut off, or it is another file
                        _forget(db, name)
                    changed |= self._read(db, name, now)
            _choose(db, changed, self._alive(db))

    def _read_tags(self, db: sqlite3.Connection, size: int) -> None:
        db.execute("DELETE FROM tags")
        for said in self._tags.read():
            db.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(said.episode, tag) for tag in said.add])
            gone = [(said.episode, tag) for tag in said.remove]
            db.executemany("DELETE FROM tags WHERE episode = ? AND tag = ?", gone)
        db.execute("INSERT OR REPLACE INTO segments VALUES (?, 0, ?, '[]', '')", (_TAGS, size))

    def _read(self, db: sqlite3.Connection, name: str, size: int) -> set[str]:
        """Note what is new in a segment; returns the episodes that it is about."""
        row = db.execute("SELECT scanned, damage FROM segments WHERE name = ?", (name,)).fetchone()
        scanned, damage, tail = (row[0], json.loads(row[1]), "") if row else (0, [], "")
        keys: dict[str, int] = {}
        said: defaultdict[int, list[str]] = defaultdict(list)
        for item in scan(self._segments / name, scanned):
            if isinstance(item, Damage):
                if item.at_end:
                    tail = str(item)
                else:
                    damage.append(str(item))
                continue
            scanned = item.end
            try:
                entry = unpack(item.payload)
                key = keys.get(entry.episode_id) or _key_of(db, name, entry.episode_id)
                keys[entry.episode_id] = key
                said[key].append(self._note(db, key, item.offset, entry))
            except (CodecError, LogError, OverflowError) as error:
                damage.append(f"the record at byte {item.offset} cannot be read: {error}")
        db.execute("INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?, ?)",
                   (name, scanned, size, json.dumps(damage), tail))  # fmt: skip
        _count(db, keys.values())
        _keep_texts(db, said)
        return set(map(_plain, keys))

    def _note(self, db: sqlite3.Connection, key: int, offset: int, entry: Entry) -> str:
        """Note a record; returns the text that it can be found by."""
        text = ""
        if entry.kind == "step":
            text = text_of_step(entry, self._texts)
        else:
            episode = unpack_episode(entry, self._texts)
            (finished, known) = db.execute("SELECT finished, task FROM attempts WHERE key = ?", (key,)).fetchone()
            if finished:
                return ""  # a second end of the same episode counts for nothing
            resolved = None if episode.verdict is None else episode.verdict.resolved
            parent, at = (_plain(each.episode), each.step) if (each := episode.ancestry) is not None else ("", None)
            db.execute(
                "UPDATE attempts SET task = ?, policy = ?, seed = ?, finished = ?, stop = ?, reward = ?, resolved = ?,"
                " steps = ?, started_at = ?, duration_s = ?, parent = ?, forked_at = ? WHERE key = ?",
                (_plain(episode.task), _plain(episode.policy), str(episode.seed), entry.kind == "end",
                 episode.stop.value, episode.reward, resolved, entry.number, _plain(episode.started_at),
                 episode.duration_s, parent, at, key),
            )  # fmt: skip
            if known is None:
                text = text_of_episode(episode)
        db.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", (key, offset, entry.kind, entry.number))
        return text


def _found(db: sqlite3.Connection, query: Query, condition: str, values: dict[str, Any]) -> list[Attempt]:
    values = values | {"limit": -1 if query.limit is None else query.limit, "offset": query.offset}
    select = f"{_SELECT} WHERE {condition} ORDER BY {order(query)} LIMIT :limit OFFSET :offset"
    return [_attempt(row) for row in db.execute(select, values)]


def _attempt(row: tuple[Any, ...]) -> Attempt:
    key, segment, episode, task, policy, seed, finished, stop, reward, resolved, *others, state, tags = row
    steps, started_at, duration_s, parent, forked_at, recorded, last = others
    return Attempt(
        key, segment, episode, task, policy, int(seed), bool(finished), stop, reward,
        None if resolved is None else bool(resolved), steps, started_at, duration_s, parent, forked_at, recorded, last,
        state, tuple(sorted(json.loads(tags))),
    )  # fmt: skip


def _create(db: sqlite3.Connection) -> None:
    """Make the tables, unless another process did so while this one waited: what it has read stays."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        if _is_current(db):
            return
        for name in _TABLES:
            db.execute(f"DROP TABLE IF EXISTS {name}")
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    with suppress(sqlite3.OperationalError):  # without FTS5 everything works but looking for text
        db.execute(_TEXTS)


def _is_current(db: sqlite3.Connection) -> bool:
    return bool(db.execute("PRAGMA user_version").fetchone()[0] == _SCHEMA_VERSION)


def _has_texts(db: sqlite3.Connection) -> bool:
    return bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = 'texts'").fetchone())


def _sizes(db: sqlite3.Connection) -> dict[str, int]:
    return dict(db.execute("SELECT name, size FROM segments"))


def _key_of(db: sqlite3.Connection, segment: str, episode: str) -> int:
    db.execute("INSERT OR IGNORE INTO attempts (segment, episode) VALUES (?, ?)", (segment, _plain(episode)))
    row = db.execute(
        "SELECT key FROM attempts WHERE segment = ? AND episode = ?", (segment, _plain(episode))
    ).fetchone()
    return int(row[0])


def _count(db: sqlite3.Connection, keys: Iterable[int]) -> None:
    db.executemany(
        "UPDATE attempts SET (recorded, last) = (SELECT COUNT(DISTINCT n), COALESCE(MAX(n), -1) FROM records"
        " WHERE attempt = :key AND kind = 'step') WHERE key = :key", [{"key": key} for key in keys],
    )  # fmt: skip


def _keep_texts(db: sqlite3.Connection, said: dict[int, list[str]]) -> None:
    if not _has_texts(db):
        return
    for key, texts in said.items():
        if text := "\n".join(filter(None, texts)):
            (number,) = db.execute("SELECT texts FROM attempts WHERE key = ?", (key,)).fetchone()
            row = (key << ROW_BITS) + number % (1 << ROW_BITS)
            db.execute("INSERT INTO texts (rowid, body) VALUES (?, ?)", (row, _plain(text)))
            db.execute("UPDATE attempts SET texts = texts + 1 WHERE key = ?", (key,))


def _unsettled(db: sqlite3.Connection) -> set[str]:
    """Episodes with several attempts, one of them unfinished: which one counts may change with who is alive."""
    other = "SELECT 1 FROM attempts AS b WHERE b.episode = a.episode AND b.key <> a.key"
    rows = db.execute(f"SELECT episode FROM attempts AS a WHERE NOT finished AND EXISTS ({other})")
    return {episode for (episode,) in rows}


def _choose(db: sqlite3.Connection, episodes: Iterable[str], alive: list[str]) -> None:
    """Mark the one attempt of each episode that counts: whole before damaged, ended, running, the longest."""
    worth = f"NOT {DAMAGED} DESC, finished DESC, segment IN (SELECT value FROM json_each(:alive)) DESC, recorded DESC"
    first = f"(SELECT key FROM attempts WHERE episode = :episode ORDER BY task IS NULL, {worth}, key LIMIT 1)"
    update = f"UPDATE attempts SET best = (key = {first}) WHERE episode = :episode"
    db.executemany(update, [{"episode": episode, "alive": json.dumps(alive)} for episode in episodes])


def _forget(db: sqlite3.Connection, segment: str) -> None:
    mine = "SELECT key FROM attempts WHERE segment = ?"
    db.execute(f"DELETE FROM records WHERE attempt IN ({mine})", (segment,))
    db.execute("DELETE FROM attempts WHERE segment = ?", (segment,))
    db.execute("DELETE FROM segments WHERE name = ?", (segment,))


def _plain(text: str) -> str:
    """SQLite keeps UTF-8 only; a policy may have written half a surrogate pair."""
    return text.encode("utf-8", "replace").decode()
