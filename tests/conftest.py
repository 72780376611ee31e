"""What every test shares: Docker tests run where an engine answers, are skipped with the reason where none does, and
fail instead under JOURNEYMAN_REQUIRE_DOCKER=1, as in CI. So do those of other languages with their toolchains."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from journeyman.sandbox.docker_engine import engine
from journeyman.sandbox.sandbox import SandboxUnavailable
from journeyman.sandbox.toolchain import toolchain_of

if "PYTEST_XDIST_WORKER" in os.environ:  # what others are beside it takes a processor too, and torch else takes all
    beside = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // beside)))
    os.environ.pop("COLUMNS", None)  # a worker is given 80, and what is no terminal has no width

# How long a machine takes says nothing about the code: a first example may come slowly where all is still being loaded.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@cache
def why_no_docker() -> str:
    """Empty when an engine answers, else the reason."""
    try:
        engine()
    except SandboxUnavailable as error:
        return str(error)
    return ""


def why_no_toolchain(name: str) -> str:
    """Empty when this machine has the toolchain, else the reason."""
    try:
        toolchain_of(name)
    except SandboxUnavailable as error:
        return str(error)
    return ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("docker"):
        _require(why_no_docker(), "JOURNEYMAN_REQUIRE_DOCKER")
    for marker in item.iter_markers("toolchain"):
        _require(why_no_toolchain(*marker.args), "JOURNEYMAN_REQUIRE_TOOLCHAINS")


def _require(lacking: str, variable: str) -> None:
    if lacking and os.environ.get(variable) == "1":
        pytest.fail(f"{lacking} ({variable}=1: this test must run)", pytrace=False)
    if lacking:
        pytest.skip(lacking)


@pytest.fixture(scope="session")
def house() -> Path:
    """The repository's root."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """One Ray, of two processors and little memory, for all tests of a process."""
    from journeyman.policies.rollout_many import QUIET

    os.environ.update(QUIET)
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'journeyman[scale]'")
    with TemporaryDirectory(prefix="ray-", dir="/tmp") as folder:  # Ray's socket paths are long
        ray.init("local", num_cpus=2, include_dashboard=False, object_store_memory=100 * 1024**2, _temp_dir=folder)
        yield
        ray.shutdown()


@pytest.fixture
def tiny() -> tuple[Any, Any]:
    """A real but tiny model with random weights, and its tokenizer; the test's own to change."""
    from journeyman.policies.models import load_model

    return load_model("tiny", to_train=True)  # in float32, on every machine
