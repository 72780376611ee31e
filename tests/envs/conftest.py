"""Environments over a tiny task, in real sandboxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from journeyman.envs.repo_env import RepoEnv
from journeyman.tasks.task import Task
from tests.envs.sandboxed import require_sandbox
from tests.making import tiny_task


@pytest.fixture
def backend() -> str:
    return require_sandbox()


@pytest.fixture
def open_env(backend: str, tmp_path: Path) -> Iterator[Callable[..., RepoEnv]]:
    """Makes environments that are closed at the end; `changes` go to the tiny task."""
    opened: list[RepoEnv] = []

    def make(task: Task | None = None, config: dict[str, Any] | None = None, **changes: Any) -> RepoEnv:
        env = RepoEnv(task or tiny_task(tmp_path / f"task{len(opened)}", **changes), backend, config)
        opened.append(env)
        return env

    yield make
    for env in opened:
        env.close()


@pytest.fixture
def env(open_env: Callable[..., RepoEnv]) -> RepoEnv:
    """An episode over the tiny task, just begun."""
    env = open_env()
    env.reset(seed=0)
    return env
