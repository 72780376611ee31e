"""Training on a tiny task, in real sandboxes, with a tiny model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from journeyman.envs.opening import open_backend
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from tests.envs.sandboxed import require_sandbox
from tests.making import tiny_project, tiny_task

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


@pytest.fixture
def backend() -> SandboxFactory:
    return open_backend(require_sandbox())


@pytest.fixture
def tasks(tmp_path: Path) -> tuple[Task, ...]:
    return tiny_task(tmp_path / "one"), tiny_project(tmp_path / "two")
