"""Policies meet environments in real sandboxes."""

from __future__ import annotations

import pytest

from tests.envs.sandboxed import require_sandbox


@pytest.fixture
def backend() -> str:
    return require_sandbox()
