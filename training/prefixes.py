"""Solutions to begin a task within, where it is too hard as a whole.

The reference solution is played through the tools once for each such task, and kept as a run of its own. A policy that
goes on from one of its steps reads what was done before as if it had done it, and is never trained on it.
"""

from __future__ import annotations

from pathlib import Path

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode
from journeyman.envs.store import EpisodeStore
from journeyman.policies.blocked import demonstrating
from journeyman.policies.policy import PolicyError
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.demonstrations import collect_demonstrations


class Prefixes:
    """The played solutions of a run's tasks, made as they are asked for."""

    def __init__(self, folder: Path, *, backend: SandboxFactory, config: EnvConfig) -> None:
        self._folder, self._backend, self._config = folder, backend, config
        self._known: dict[str, Episode | None] = {}

    def of(self, task: Task) -> Episode | None:
        """The solution of a task as an episode; None where tool calls cannot write it, or it does not resolve it."""
        if task.name not in self._known:
            self._known[task.name] = self._play(task)
        return self._known[task.name]

    def _play(self, task: Task) -> Episode | None:
        try:
            demonstrating(task)
        except PolicyError:
            return None
        with EpisodeStore(self._folder) as store:
            found = collect_demonstrations(
                [task], backend=self._backend, store=store, config=self._config, mistaken_share=0.0, concurrency=1
            )
        return found[0] if found else None


def last_change(episode: Episode) -> int:
    """So many steps come before the last that changed a file; 0 where none did."""
    return max((at for at, step in enumerate(episode.steps) if step.diff), default=0)
