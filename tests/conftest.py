"""What every test shares: Docker tests run where an engine answers, are skipped with the reason where none does, and
fail instead under JOURNEYMAN_REQUIRE_DOCKER=1, as in CI."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import docker
import pytest


@cache
def why_no_docker() -> str:
    """Empty when an engine answers, else the reason."""
    try:
        client = docker.from_env(timeout=10)
    except docker.errors.DockerException as error:
        return f"no Docker engine answers: {error}"
    try:
        client.ping()
    except Exception as error:
        return f"no Docker engine answers: {error}"
    finally:
        client.close()
    return ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("docker") is None or not (reason := why_no_docker()):
        return
    if os.environ.get("JOURNEYMAN_REQUIRE_DOCKER") == "1":
        pytest.fail(f"{reason} (JOURNEYMAN_REQUIRE_DOCKER=1: this test must run)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def house() -> Path:
    """The repository's root."""
    return Path(__file__).resolve().parent.parent
