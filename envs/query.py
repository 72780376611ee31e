"""Which episodes of a run are meant: a `Query`, and the SQL that the index makes of it.

store.find(Query(task="till-*", solved="no", text="ValueError", tags=("good", "-bad"), limit=50))
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}")
"""What a tag looks like."""
SOLVED = ("yes", "no", "unscored")


class QueryError(ValueError):
    """A query that cannot be asked; the message says what would do."""


class Sort(StrEnum):
    """What episodes are sorted by; equal ones by when they were begun."""

    STARTED = "started"
    REWARD = "reward"
    STEPS = "steps"
    DURATION = "duration"
    TASK = "task"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Query:
    """Which episodes, in which order. A field that is left as it is takes all; those that are set must all hold.

    Raises:
        QueryError: a field's value is none.
    """

    task: str = ""
    """A task's name, whole or its last part, or a pattern with * and ?."""
    policy: str = ""
    """A policy's name, or a pattern with * and ?."""
    stop: str = ""
    """Why it ended (a `StopReason`), or how it stands where it did not: running, interrupted, damaged."""
    solved: str = ""
    """"yes", "no" (scored, and not solved) or "unscored"."""
    min_reward: float | None = None
    """An unscored episode is in no range."""
    max_reward: float | None = None
    text: str = ""
    """Words that must all occur, or begin a word that occurs, in the instruction, the actions, the beginnings of the
    outputs, or the names. A word with signs in it, such as `a.b`, is looked for as it stands, the signs aside."""
    tags: tuple[str, ...] = ()
    """Tags that it must bear, and with a leading "-" those that it must not."""
    parent: str = ""
    """The id of the episode that they were forked from."""
    sort: Sort = Sort.STARTED
    descending: bool = False
    """Highest, or latest, first. Unscored episodes come last in either order."""
    limit: int | None = None
    offset: int = 0
    """So many of the first are left out."""

    def __post_init__(self) -> None:
        if self.solved not in ("", *SOLVED):
            raise QueryError(f"solved is {', '.join(SOLVED)}, not {self.solved!r}")
        if self.offset < 0 or (self.limit is not None and self.limit < 0):
            raise QueryError("a limit and an offset are not below 0")
        for tag in self.tags:
            if not TAG.fullmatch(tag.removeprefix("-")):
                raise QueryError(f"{tag!r} is no tag: letters, digits and _ . : / - (64 at most), or - and a tag")


_KEYS = {
    Sort.STARTED: "episode", Sort.REWARD: "reward", Sort.STEPS: "recorded", Sort.DURATION: "duration_s",
    Sort.TASK: "task", Sort.POLICY: "policy",
}  # fmt: skip

ROW_BITS = 24
"""Of a text's row id, so many count an attempt's texts; the others are the attempt's key."""
DAMAGED = "(recorded < CASE WHEN finished THEN steps ELSE last + 1 END)"
STATE = f"""CASE WHEN {DAMAGED} THEN 'damaged' WHEN finished THEN 'finished'
  WHEN segment IN (SELECT value FROM json_each(:alive)) THEN 'running' ELSE 'interrupted' END"""
"""How an attempt stands; `:alive` is the list of segments that have a living writer, as JSON."""

ENDED = f"CASE WHEN finished AND NOT {DAMAGED} THEN stop ELSE {STATE} END"
"""Why it ended, or how it stands where it did not."""


def where(query: Query) -> tuple[str, dict[str, Any]]:
    """The condition on the index's table `attempts`, and its values; `:alive` is left to the caller."""
    found = ["best", "task IS NOT NULL"]
    values: dict[str, Any] = {}
    if query.task:
        whole, last_part = "task = :task", "substr(task, -length(:task) - 1) = '/' || :task"
        if _is_pattern(query.task):
            whole, last_part = "task GLOB :task", "task GLOB '*/' || :task"
        found.append(f"({whole} OR {last_part})")
    if query.policy:
        found.append("policy GLOB :policy" if _is_pattern(query.policy) else "policy = :policy")
    if query.stop:
        found.append(f"{ENDED} = :stop")
    if query.solved:
        found.append({"yes": "resolved = 1", "no": "resolved = 0", "unscored": "resolved IS NULL"}[query.solved])
    if query.min_reward is not None:
        found.append("reward >= :min_reward")
    if query.max_reward is not None:
        found.append("reward <= :max_reward")
    if query.parent:
        found.append("parent = :parent")
    for name in ("task", "policy", "stop", "min_reward", "max_reward", "parent"):
        values[name] = getattr(query, name)
    for number, tag in enumerate(query.tags):
        found.append(f"episode {'NOT ' * tag.startswith('-')}IN (SELECT episode FROM tags WHERE tag = :tag{number})")
        values[f"tag{number}"] = tag.removeprefix("-")
    for number, phrase in enumerate(phrases(query.text)):
        found.append(f"key IN (SELECT rowid >> {ROW_BITS} FROM texts WHERE texts MATCH :text{number})")
        values[f"text{number}"] = phrase
    # SQLite takes UTF-8 only, and a name may hold half a surrogate pair: the index keeps it so as well.
    plain = {name: _plain(value) if isinstance(value, str) else value for name, value in values.items()}
    return " AND ".join(found), plain


def order(query: Query) -> str:
    """The order of a query's answer."""
    way = "DESC" if query.descending else "ASC"
    key = _KEYS[query.sort]
    first = f"{key} IS NULL, {key} {way}, " if query.sort is not Sort.STARTED else ""
    return f"{first}episode {way}"


def phrases(text: str) -> list[str]:
    """A text's words as FTS5 reads them: each a phrase of which the last word may be cut off."""
    words = (re.findall(r"[^\W_]+", word) for word in text.split())
    return [f'"{" ".join(parts)}" *' for parts in words if parts]


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _is_pattern(text: str) -> bool:
    return bool(set("*?") & set(text))
