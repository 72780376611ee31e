"""What tests of the environment share: real sandboxes, and a short way to act."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from journeyman.envs.opening import open_backend
from journeyman.envs.repo_env import RepoEnv
from journeyman.sandbox.sandbox import Environment, SandboxUnavailable
from tests.making import FIX

BACKEND = os.environ.get("JOURNEYMAN_TEST_BACKEND", "namespace")


@cache
def why_no_sandbox() -> str:
    """Empty when the backend works here, else its own words."""
    with TemporaryDirectory() as folder:
        try:
            open_backend(BACKEND).create(Environment(), Path(folder)).close()
        except SandboxUnavailable as error:
            return f"no {BACKEND} sandbox here: {error}"
    return ""


def require_sandbox() -> str:
    """The backend's name; skips the test with the reason where it does not work."""
    if reason := why_no_sandbox():
        pytest.skip(reason)
    return BACKEND


def act(env: RepoEnv, tool: str, **arguments: Any) -> tuple[str, float, bool, bool, dict[str, Any]]:
    return env.step(json.dumps({"tool": tool, **arguments}))


def see(env: RepoEnv, tool: str, **arguments: Any) -> str:
    return act(env, tool, **arguments)[0]


def fix(env: RepoEnv) -> str:
    """The edit that solves `tiny_task`."""
    return see(env, "edit", path="parcel.py", **FIX)
