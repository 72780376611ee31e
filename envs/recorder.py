"""What a rollout tells while an episode runs, and the id that the episode has."""

from __future__ import annotations

import re
import secrets
import threading
import time
from typing import Protocol, runtime_checkable

from journeyman.envs.episode import Episode, Step
from journeyman.envs.feedback.entry import Entry


@runtime_checkable
class Recorder(Protocol):
    """What a rollout tells while an episode runs. When a call returns, what it was given is on the disk."""

    def begin(self, episode: Episode) -> None:
        """An episode starts: no steps yet, `stop=INTERRUPTED`, `reward=None`. This is what would be recovered now."""
        ...

    def step(self, episode_id: str, step: Step) -> None:
        """The next step of an episode that has begun."""
        ...

    def finish(self, episode: Episode) -> None:
        """The whole episode. Steps that were not recorded yet are recorded now."""
        ...


@runtime_checkable
class Hearing(Protocol):
    """A recorder that keeps what is said of an episode while it runs."""

    def said(self, *entries: Entry) -> None:
        """Feedback, in the order in which it was given."""
        ...


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_id_lock = threading.Lock()
_last_ms = 0


def new_episode_id() -> str:
    """A new id: nine characters of time (ms, base 32), a dash, eight random ones. Ids sort by when they were made."""
    global _last_ms
    with _id_lock:
        _last_ms = max(_last_ms + 1, time.time_ns() // 1_000_000)
        ms = _last_ms
    moment = "".join(_ALPHABET[ms >> shift & 31] for shift in range(40, -1, -5))
    return moment + "-" + "".join(secrets.choice(_ALPHABET) for _ in range(8))


def is_episode_id(name: str) -> bool:
    """Whether a name can be an episode's id."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", name) is not None
