"""How sandboxes begin and end, on every backend."""

from __future__ import annotations

import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from journeyman.sandbox.sandbox import ImageError, Sandbox, SandboxFactory, SandboxLost

from .conftest import BARE, PRISTINE


def test_a_sandbox_is_one(sandbox: Sandbox) -> None:
    assert isinstance(sandbox, Sandbox)


def test_closing_is_idempotent_and_final(factory: SandboxFactory, repository: Path) -> None:
    sandbox = factory.create(BARE, repository)
    sandbox.close()
    sandbox.close()
    for use in (sandbox.files, sandbox.snapshot, sandbox.fork, lambda: sandbox.run("true", timeout_s=5)):
        with pytest.raises(SandboxLost, match="closed"):
            use()


def test_closing_ends_a_command_that_runs(sandbox: Sandbox) -> None:
    threading.Timer(0.5, sandbox.close).start()
    start = time.monotonic()
    with pytest.raises(SandboxLost):
        sandbox.run("sleep 60", timeout_s=60)
    assert time.monotonic() - start < 30


def test_sixteen_at_once(factory: SandboxFactory, repository: Path) -> None:
    def work(number: int) -> str:
        with factory.create(BARE, repository) as sandbox:
            sandbox.write("number", str(number).encode())
            return sandbox.run("sleep 0.2; cat number", timeout_s=60).text

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, range(16))) == [str(number) for number in range(16)]


def test_a_sandbox_outlives_the_thread_that_made_it(factory: SandboxFactory, repository: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        sandbox = pool.submit(factory.create, BARE, repository).result()
    time.sleep(0.1)
    with sandbox:
        assert sandbox.files() == PRISTINE


def test_a_factory_travels(factory: SandboxFactory, repository: Path) -> None:
    with pickle.loads(pickle.dumps(factory)).create(BARE, repository) as sandbox:
        assert sandbox.files() == PRISTINE


def test_a_changed_repository_is_seen_and_does_not_change_those_that_run(
    factory: SandboxFactory, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("1")
    with factory.create(BARE, tmp_path) as before:
        (tmp_path / "a").write_text("2")
        with factory.create(BARE, tmp_path) as after:
            assert (before.read("a"), after.read("a")) == (b"1", b"2")
            before.write("a", b"3")
    assert (tmp_path / "a").read_text() == "2"


def test_a_repository_that_is_not_there(factory: SandboxFactory, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="nowhere"):
        factory.create(BARE, tmp_path / "nowhere")
