"""Which nodes have built which environment, and how many of our episodes each holds."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from typing import Any

import ray

FRESH_S = 1.0
"""How long the list of nodes is taken for true, in seconds."""


class Placement:
    """Prefers, for a job, a node that has its environment and a place; otherwise leaves the choice to Ray."""

    def __init__(self, episode_cpus: float) -> None:
        self._episode_cpus = episode_cpus
        self._lock = threading.Lock()
        self._built: defaultdict[str, set[str]] = defaultdict(set)
        self._busy: Counter[str] = Counter()
        self._room: dict[str, int] = {}
        self._asked = float("-inf")
        self._begun = self._local = 0

    def room(self) -> dict[str, int]:
        """The living nodes that can take an episode, and how many of them, were they idle."""
        with self._lock:
            if time.monotonic() - self._asked > FRESH_S:
                nodes = {node["NodeID"]: node["Resources"].get("CPU", 0) for node in _nodes() if node["Alive"]}
                room = {node: int(cpus / self._episode_cpus + 1e-6) for node, cpus in nodes.items()}
                self._room = {node: places for node, places in room.items() if places}
                self._asked = time.monotonic()
            return self._room

    def take(self, key: str) -> Place:
        """A place for an episode that needs the environment `key`."""
        room = self.room()
        with self._lock:
            free = [node for node in self._built[key] if self._busy[node] < room.get(node, 0)]
            node = min(free, key=lambda each: self._busy[each], default=None)
            if node is not None:
                self._busy[node] += 1
            return Place(self, key, node)

    def facts(self) -> dict[str, int]:
        """Episodes begun, and how many of them on a node where one before had built their environment."""
        return {"begun": self._begun, "where_built": self._local}

    def move(self, place: Place, node: str | None) -> None:
        """An episode is on `node` now; None: on none any more."""
        with self._lock:
            if place.node is not None:
                self._busy[place.node] -= 1
            if node is not None:
                self._busy[node] += 1
                self._begun += 1
                self._local += node in self._built[place.key]
                self._built[place.key].add(node)
            place.node = node


def _nodes() -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return nodes


class Place:
    """Where an episode is meant to run, then where it runs."""

    def __init__(self, placement: Placement, key: str, node: str | None) -> None:
        self._placement, self.key, self.node = placement, key, node

    def found(self, node: str) -> None:
        """It has begun there: its environment is built on that node."""
        self._placement.move(self, node)

    def leave(self) -> None:
        """It is there no more."""
        self._placement.move(self, None)
