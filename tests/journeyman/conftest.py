"""The front door as people and scripts use it, over a tiny task in real sandboxes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from journeyman.cli import app
from journeyman.tasks.harbor import save_task
from tests.envs.sandboxed import require_sandbox
from tests.making import tiny_task

Call = Callable[..., Result]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls `journeyman` in an empty folder, with its two streams apart."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"})
    return lambda *words: runner.invoke(app, [str(word) for word in words])


@pytest.fixture
def backend() -> str:
    return require_sandbox()


@pytest.fixture
def task_folder(tmp_path: Path) -> Path:
    """A sound task, saved."""
    save_task(tiny_task(tmp_path / "made"), tmp_path / "tiny")
    return tmp_path / "tiny"
