"""What a test replaces in the standard library is replaced for code in another process, and only as long as there."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from journeyman.sandbox.inside.split.guard import OpenGuard, TestsGuard
from journeyman.sandbox.inside.split.mirror import Mirrors
from journeyman.sandbox.inside.split.patches import Patches, StandIn
from journeyman.sandbox.inside.split.peer import Peer
from journeyman.sandbox.inside.split.values import CannotCross
from journeyman.sandbox.inside.split.wire import Wire

SERVE = """
import sys
from journeyman.sandbox.inside.split.guard import OpenGuard
from journeyman.sandbox.inside.split.mirror import Mirrors
from journeyman.sandbox.inside.split.peer import Peer
from journeyman.sandbox.inside.split.wire import Wire
peer = Peer(Wire(int(sys.argv[1]), int(sys.argv[2])), OpenGuard())
peer.mirrors = Mirrors(peer)
peer.serve()
"""
CODE = """
import os, random, shutil, subprocess, time

def call(module, name, *args): return getattr(globals()[module], name)(*args)
def value(module, name): return getattr(globals()[module], name)
def has(module, name): return hasattr(globals()[module], name)
def synced(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_ino
def apply(function, *args): return function(*args)
def same(value): return value
def later(function, *args):
    import threading
    said = []
    def run():
        try: said.append(function(*args))
        except Exception as error: said.append(str(error))
    global told
    told = said
    threading.Timer(0.05, run).start()
"""


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    """The tests' side, in this process; the code is in another."""
    (tmp_path / "code_under_test.py").write_text(CODE)
    (read_there, write_here), (read_here, write_there) = os.pipe(), os.pipe()
    command = [sys.executable, "-c", SERVE, str(read_there), str(write_there)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])}
    with subprocess.Popen(command, env=env, pass_fds=(read_there, write_there)) as process:
        made = Peer(Wire(read_here, write_here, 10), TestsGuard(str(Path(__file__).parent)), is_trusted=True)
        made.mirrors = Mirrors(made)
        patches = Patches(made, str(Path(__file__).parent))
        patches.watch()
        try:
            yield made
        finally:
            patches.unwatch()
            for handle in (write_here, write_there, read_there):
                os.close(handle)
            assert process.wait(10) == 0
            os.close(read_here)


@pytest.fixture
def code(peer: Peer) -> Any:
    return peer.ask("import", 0, "code_under_test")


def test_a_frozen_clock_stands_still_there_and_goes_on_afterwards(code: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: 12.5)
        assert code.call("time", "time") == time.time() == 12.5
    assert abs(code.call("time", "time") - time.time()) < 60


def test_every_way_to_replace_a_function(code: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with mock.patch("random.random", return_value=0.25) as fake:
        assert code.call("random", "random") == 0.25
        fake.assert_called_once_with()
    with mock.patch.object(time, "sleep") as sleep:
        assert code.call("time", "sleep", 600) is None
        sleep.assert_called_once_with(600)
    before, random.choice = random.choice, lambda items: items[-1]  # type: ignore[assignment]
    try:
        assert code.call("random", "choice", [1, 2, 3]) == 3
    finally:
        random.choice = before  # type: ignore[assignment]
    assert {code.call("random", "choice", [1]), code.call("random", "random") < 1} == {1}


def test_values_and_what_is_taken_away(code: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "linesep", "\r\n")
        patch.delattr(os, "symlink")
        patch.setattr(os, "invented", 3, raising=False)
        assert code.value("os", "linesep") == "\r\n"
        assert not code.has("os", "symlink")
        assert code.value("os", "invented") == 3
    assert (code.value("os", "linesep"), code.has("os", "symlink"), code.has("os", "invented")) == ("\n", True, False)


def test_a_fake_raises_into_the_code_and_out_of_it(code: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk is full"):
        code.synced(__file__)


def test_what_a_fake_stands_for_acts_where_the_code_is(
    code: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The descriptor is a number of the other process."""
    (tmp_path / "file").write_text("x")
    seen: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        seen.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr("os.fsync", fsync)
    assert [code.synced(tmp_path / "file")] == seen == [(tmp_path / "file").stat().st_ino]


def test_outside_of_a_fake_a_stand_in_acts_here(code: Any, tmp_path: Path) -> None:
    real = os.stat
    assert isinstance(real, StandIn)
    assert real(tmp_path).st_ino == tmp_path.stat().st_ino
    assert (real.__name__, os.stat is real, vars(os)["stat"] is real.original) == ("stat", True, True)
    assert os.stat in os.supports_fd
    assert eval(compile("os.stat", "/no/file/of/the/tests.py", "eval"), {"os": os}) is real.original
    assert code.apply(os.path.exists, tmp_path) is True  # named, and looked up there
    assert code.apply(os.path.exists, "/no/such/path") is False


def test_another_function_of_the_standard_library_takes_its_place(
    code: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("x")
    monkeypatch.setattr(os, "link", os.symlink)
    code.call("os", "link", tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").is_symlink()


def test_mocks_are_called_back_and_known_again(code: Any) -> None:
    called = mock.Mock(side_effect=lambda number: number + 1)
    assert code.apply(called, 3) == 4
    called.assert_called_once_with(3)
    assert code.same(called) is called
    assert code.apply(mock.MagicMock(), 1) is None
    with pytest.raises(CannotCross, match="NonCallableMock cannot be handed"):
        code.same(mock.NonCallableMock())


def test_what_the_runner_needs_is_not_watched(code: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that raises and a system without files do not break the link itself."""
    for name in ("read", "write", "open", "stat", "scandir", "close"):
        monkeypatch.setattr(os, name, lambda *args: 1 / 0)
    monkeypatch.setattr(time, "monotonic", lambda: 1 / 0)
    assert code.same(3) == 3
    monkeypatch.undo()


@pytest.mark.parametrize("op", ["patch", "unpatch", "original", "set", "del", "import", "dir"])
def test_the_code_cannot_have_the_tests_patch_anything(op: str) -> None:
    def fake() -> int:
        return 1

    for value in (fake, os, time.time, None):
        with pytest.raises(CannotCross):
            TestsGuard(str(Path(__file__).parent)).perform(op, value, "exit", [len], {})


def test_a_fake_is_not_called_while_the_tests_wait_for_nothing(code: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    code.later(calls.append, 1)
    time.sleep(0.3)
    assert "nothing can be called back" in code.told[0]
    assert calls == []


def test_the_original_is_the_one_from_before_all_patches() -> None:
    guard = OpenGuard()
    guard.perform("patch", random, "betavariate", [len], {})
    guard.perform("patch", random, "betavariate", [max], {})
    assert 0 <= guard.perform("original", random, "betavariate", [1, 1], {}) <= 1
    assert guard.perform("original", random, "triangular", [2, 2], {}) == 2
    guard.perform("unpatch", random, "betavariate", [], {})
    assert random.betavariate not in (len, max)
