"""A bounded mapping whose entries die of age or of disuse."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from holdfast.clock import Clock, SystemClock
from holdfast.stats import Stats

_UNSET: Any = object()


@dataclass
class _Entry:
    value: Any
    deadline: float | None
    """When it dies, by the cache's clock; None for never."""


class Cache:
    """Least recently used goes first; an entry lives `ttl` seconds from when it was put.

    Raises:
        ValueError: the capacity is below 1, or a ttl is not positive.
    """

    def __init__(self, capacity: int, *, ttl: float | None = None, clock: Clock | None = None) -> None:
        if capacity < 1:
            raise ValueError("capacity must be at least 1")
        self._check_ttl(ttl)
        self.capacity = capacity
        self.ttl = ttl
        self.stats = Stats()
        self._clock = clock or SystemClock()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def __len__(self) -> int:
        """Number of live entries."""
        return sum(not self._is_dead(entry) for entry in self._entries.values())

    def __contains__(self, key: Hashable) -> bool:
        """Whether a live entry stands there; neither counted nor a use."""
        entry = self._entries.get(key)
        return entry is not None and not self._is_dead(entry)

    def get(self, key: Hashable, default: Any = None) -> Any:
        """The value, which becomes the most recently used one; `default` if there is none alive."""
        entry = self._entries.get(key)
        if entry is not None and self._is_dead(entry):
            self._expire(key)
            entry = None
        if entry is None:
            self.stats.misses += 1
            return default
        self._entries.move_to_end(key)
        self.stats.hits += 1
        return entry.value

    def put(self, key: Hashable, value: Any, *, ttl: float | None = _UNSET) -> None:
        """Store a value as the most recently used one."""
        if ttl is _UNSET:
            ttl = self.ttl
        self._check_ttl(ttl)
        entry = self._entries.get(key)
        if entry is not None and self._is_dead(entry):
            self._expire(key)
            entry = None
        if entry is not None:
            entry.value = value
            self._entries.move_to_end(key)
            self.stats.updates += 1
            return
        self._make_room()
        self._entries[key] = _Entry(value, self._deadline(ttl))
        self.stats.inserts += 1

    def pop(self, key: Hashable, default: Any = None) -> Any:
        """Remove an entry and return its value; `default` if there is none alive."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return default
        if self._is_dead(entry):
            self.stats.expiries += 1
            return default
        return entry.value

    def sweep(self) -> int:
        """Drop all dead entries and say how many there were."""
        dead = [key for key, entry in self._entries.items() if self._is_dead(entry)]
        for key in dead:
            self._expire(key)
        return len(dead)

    def keys(self) -> list[Hashable]:
        """Keys of live entries, least recently used first."""
        return [key for key, entry in self._entries.items() if not self._is_dead(entry)]

    def _make_room(self) -> None:
        if len(self._entries) < self.capacity or self.sweep():
            return
        self._entries.popitem(last=False)
        self.stats.evictions += 1

    def _deadline(self, ttl: float | None) -> float | None:
        return None if ttl is None else self._clock.now() + ttl

    def _is_dead(self, entry: _Entry) -> bool:
        return entry.deadline is not None and self._clock.now() >= entry.deadline

    def _expire(self, key: Hashable) -> None:
        del self._entries[key]
        self.stats.expiries += 1

    @staticmethod
    def _check_ttl(ttl: float | None) -> None:
        if ttl is not None and ttl <= 0:
            raise ValueError("ttl must be positive, or None for never")
