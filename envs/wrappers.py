"""Gymnasium wrappers for training on many tasks. Gymnasium's own work too: actions and observations are plain texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium

from journeyman.tasks.task import Task


class SampleTasks(gymnasium.Wrapper[str, str, str, str]):
    """Each reset draws a task, by the environment's own random numbers: the same seed draws the same tasks.

    A task given in `options` comes first.

    Raises:
        ValueError: there are no tasks.
    """

    def __init__(self, env: gymnasium.Env[str, str], tasks: Sequence[Task | Path | str]) -> None:
        super().__init__(env)
        if not tasks:
            raise ValueError("SampleTasks: give at least one task")
        self.tasks = tuple(tasks)
        self._random = self.np_random

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        if seed is not None:
            self._random = gymnasium.utils.seeding.np_random(seed)[0]
        drawn = self.tasks[int(self._random.integers(len(self.tasks)))]
        return self.env.reset(seed=seed, options={"task": drawn} | (options or {}))
