"""What the trees and the attacks of the battery share: how a case is read, and a host that can tell when it is harmed.

A case is a folder of `cases/trees` or `cases/attacks`: a script, `run.sh` or `run.py`, that is run in a sandbox as the
policy would run it, and `case.toml`, which says why and what must hold (see `trees.py` and `attacks.py`). The script
is given the path of a file on the host and the number of a port that the host listens on. It prints LANDED where it
reached what it must not.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import docker

from journeyman.sandbox import lanes
from journeyman.sandbox.docker_engine import engine
from journeyman.sandbox.docker_reaper import LABEL, owner
from journeyman.sandbox.sandbox import Completed, Sandbox, SandboxFactory
from journeyman.tasks.verdict import Assurance
from tests.processes import below, eventually

from .cases import PLACE, task

TASK = task(Assurance.FRESH)
"""What hostile trees are laid over and graded by, and attacks are made in."""
VARIABLE = "JOURNEYMAN_REDTEAM_SECRET"
SLACK_S = 30.0
"""How much longer than its own limit anything may take, in seconds: the machine may be busy with other things."""


class Landed(Exception):
    """An expectation that did not hold; the message says which."""


def expect(holds: object, what: str) -> None:
    """Raise Landed where it does not hold."""
    if not holds:
        raise Landed(what)


def folders(kind: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The script of every case of a kind, "trees" or "attacks", by name, with what its case.toml says."""
    for folder in sorted((PLACE / "cases" / kind).iterdir()):
        (script,) = folder.glob("run.*")
        yield script, tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))


def run_script(script: Path, sandbox: Sandbox, host: Host, *, timeout_s: float, **how: Any) -> Completed:
    """Run a case's script as a command of the policy."""
    sandbox.write(f"/tmp/{script.name}", script.read_bytes())
    program = {".sh": "sh", ".py": "python"}[script.suffix]
    words = [program, f"/tmp/{script.name}", str(host.marker), str(host.port)]
    return sandbox.run(words, timeout_s=timeout_s, **how)


class Host:
    """What must stay as it is: a file, a process, a port that nobody reaches; and a secret that must not show."""

    def __enter__(self) -> Self:
        self.secret = secrets.token_hex(16)
        self._folder = tempfile.TemporaryDirectory(prefix="journeyman-redteam-")
        self.marker = Path(self._folder.name, "marker")
        self.marker.write_text(self.secret)
        os.environ[VARIABLE] = self.secret
        self._bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        self.reached = 0
        self._listening = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)]
        self.port: int = self._listening[0].getsockname()[1]
        self._listening[1].bind(f"\0journeyman-redteam-{self.port}")
        self._listening[1].listen()
        for listener in self._listening:
            threading.Thread(target=self._answer, args=(listener,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        del os.environ[VARIABLE]
        for listener in self._listening:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self._bystander.communicate(b"\n")
        self._folder.cleanup()

    def _answer(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                listener.accept()[0].close()
                self.reached += 1

    def expect_unharmed(self) -> None:
        """Raises Landed where the host was reached."""
        expect(self.marker.read_text() == self.secret, "the host's file was changed")
        expect([each.name for each in self.marker.parent.iterdir()] == ["marker"], "a file came to the host")
        expect(self._bystander.poll() is None, "a process of the host died")
        expect(not self.reached, "a port of the host was reached")

    def expect_unseen(self, data: bytes, where: str) -> None:
        """Raises Landed where the secret shows."""
        expect(self.secret.encode() not in data, f"the host's secret shows in {where}")


class Opened(NamedTuple):
    """A sandbox over the task's repository, seen from outside too."""

    sandbox: Sandbox
    commands: Callable[[], set[int]]
    """The host's numbers of all processes in it but the helper."""


@contextmanager
def opened(factory: SandboxFactory) -> Iterator[Opened]:
    """A sandbox to be attacked; when it is closed, none of it may be left.

    Raises:
        Landed: a process, a container or a descriptor of ours was left.
    """
    lanes.dismiss()
    before, handles = below(os.getpid()), _handles()
    with factory.create(TASK.environment, TASK.repository, limits=TASK.limits) as sandbox:
        lanes.dismiss()  # it stood ready for the next one
        if factory.name == "docker":
            helper = first_process(containers()[0])
            yield Opened(sandbox, lambda: below(helper))
        else:
            standing = below(os.getpid())
            yield Opened(sandbox, lambda: below(os.getpid()) - standing)
    lanes.dismiss()
    expect(eventually(lambda: below(os.getpid()) <= before), "a process outlived its sandbox")
    if factory.name == "docker":  # whose SDK keeps some connections
        expect(not containers(), "a container outlived its sandbox")
    else:
        expect(eventually(lambda: _handles() <= handles), "the supervisor was left with more descriptors")


def _handles() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def containers() -> list[str]:
    """The engine's containers that are this process's."""
    return [each for each, whose in engine().labelled(LABEL).items() if whose == owner()]


def first_process(container: str) -> int:
    """The host's number of a container's process 1."""
    client = docker.from_env()
    try:
        return int(client.api.inspect_container(container)["State"]["Pid"])
    finally:
        client.close()
