"""A small repository and a sandbox over it, on every backend that this machine has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import Environment, Limits, Sandbox, SandboxFactory
from tests.sandbox.sides import Sides

BARE = Environment(requirements=())
TIGHT = Limits(memory_mb=256, processes=32, file_size_mb=8, disk_mb=32, inodes=400, open_files=64)
MakeSandbox = Callable[..., Sandbox]


@pytest.fixture(scope="session", params=["namespace", pytest.param("docker", marks=pytest.mark.docker)])
def factory(request: pytest.FixtureRequest) -> SandboxFactory:
    """Every backend; the same tests hold for all."""
    return open_backend(request.param)


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Code, a script, bytes that are no text, a name that is not ASCII, a link, and what must not come along."""
    root = tmp_path_factory.mktemp("repository")
    (root / "src").mkdir()
    (root / "src" / "shapes.py").write_text("def area(a, b):\n    return a * b\n")
    (root / "tool.sh").write_text("#!/bin/sh\necho tool\n")
    (root / "tool.sh").chmod(0o755)
    (root / "data.bin").write_bytes(bytes(range(256)))
    (root / "straße 1.txt").write_text("größe\n")
    (root / "link.txt").symlink_to("straße 1.txt")
    (root / "deep" / "er").mkdir(parents=True)
    (root / "deep" / "er" / "x.txt").write_text("x\n")
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (root / "src" / "__pycache__").mkdir()
    (root / "src" / "__pycache__" / "shapes.cpython-311.pyc").write_bytes(b"stale")
    return root


PRISTINE = ("data.bin", "deep/er/x.txt", "src/shapes.py", "straße 1.txt", "tool.sh")


@pytest.fixture
def make(factory: SandboxFactory, repository: Path) -> Iterator[MakeSandbox]:
    """Makes sandboxes and closes them when the test is over."""
    made: list[Sandbox] = []

    def _make(environment: Environment = BARE, limits: Limits | None = None) -> Sandbox:
        made.append(factory.create(environment, repository, limits=limits))
        return made[-1]

    yield _make
    for sandbox in made:
        sandbox.close()


@pytest.fixture
def sandbox(make: MakeSandbox) -> Sandbox:
    return make()


@pytest.fixture
def tight(make: MakeSandbox) -> Sandbox:
    """A sandbox with little of everything."""
    return make(limits=TIGHT)


@pytest.fixture
def sides() -> Iterator[Sides]:
    made = Sides()
    yield made
    made.close()


@pytest.fixture
def code(sides: Sides) -> Any:
    return sides.tests.ask("import", 0, "code_under_test")
