"""Episodes and tasks that pages ask for again and again, read once as long as they stay as they are.

A page of a long episode asks for it a part at a time, and reading 20,000 steps takes seconds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.store import EpisodeStore
from journeyman.tasks.task import Task
from journeyman.viewer.episode import text_of

KEPT = 3
"""Episodes that are held at once; one of 20,000 steps takes some hundred MB."""
SEARCHES = 8
"""Of each episode whose results are held."""
TASKS = 200

Numbered = tuple[int, Step]


class Shelved:
    """An episode, and what was searched for in it."""

    def __init__(self, episode: Episode, stamp: str) -> None:
        self.episode, self.stamp = episode, stamp
        self._steps = tuple(enumerate(episode.steps, 1))
        self._found: OrderedDict[str, tuple[Numbered, ...]] = OrderedDict()

    def listed(self, search: str) -> tuple[Numbered, ...]:
        """The steps in which a text stands, upper and lower case alike; all of them for an empty one."""
        if not search:
            return self._steps
        if search not in self._found:
            wanted = search.casefold()
            self._found[search] = tuple(pair for pair in self._steps if wanted in text_of(pair[1]).casefold())
            while len(self._found) > SEARCHES:
                self._found.popitem(last=False)
        return self._found[search]


class Shelf:
    """What was read last. Threads may share it."""

    def __init__(self, task_of: Callable[[Episode], Task | None]) -> None:
        self._task_of = task_of
        self._lock = threading.Lock()
        self._episodes: OrderedDict[tuple[Path, str], Shelved] = OrderedDict()
        self._tasks: OrderedDict[tuple[str, str, int], Task] = OrderedDict()

    def episode(self, store: EpisodeStore, name: str) -> Shelved:
        """Raises what `store.get` does."""
        key, now = (store.folder, name), store.stamp()
        with self._lock:
            kept = self._episodes.get(key)
            if kept is None or not (kept.stamp == now or _ended(kept.episode, name)):
                kept = self._episodes[key] = Shelved(store.get(name), now)
            self._episodes.move_to_end(key)
            while len(self._episodes) > KEPT:
                self._episodes.popitem(last=False)
        return kept

    def task(self, episode: Episode) -> Task | None:
        """The episode's task, where it can still be found; read again when its file has changed."""
        folder = episode.versions.get("task_folder", "")
        key = (episode.task, folder, _changed(folder))
        with self._lock:
            if key not in self._tasks:
                if (task := self._task_of(episode)) is None:
                    return None
                self._tasks[key] = task
                while len(self._tasks) > TASKS:
                    self._tasks.popitem(last=False)
            return self._tasks[key]


def _ended(episode: Episode, name: str) -> bool:
    """Whether its record can't go on, nor its name mean another."""
    return episode.stop is not StopReason.INTERRUPTED and episode.id == name


def _changed(folder: str) -> int:
    try:
        return Path(folder, "task.toml").stat().st_mtime_ns if folder else 0
    except (OSError, ValueError):  # gone, or no path at all
        return 0
