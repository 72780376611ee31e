"""What can be measured: a `Peer` opens boxes, a `Box` runs commands over a copy of the repository.

Standard library only, as everything here but the adapters: a peer's interpreter need not have Journeyman.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

LIST = "ls"
SHOW = "cat shop/part07.py"
EDITED = "shop/part07.py"
EDIT = "def price(n):\n    return n * 7 + 1\n"
TESTS = "python -m pytest -q"
LONG_S = 120.0
"""A limit that nothing ordinary reaches, in seconds."""
VARIABLES = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "LANG": "C.UTF-8", "TZ": "UTC"}
"""Every box has these, so that no test run finds byte code that another one left."""
IN_IMAGE = "/opt/repository"
"""Where the pristine repository lies in the image that peers use; /workspace holds a copy."""


@dataclass(frozen=True)
class Setup:
    """What a peer may use."""

    pristine: str
    """Folder of the pristine repository on the host; nobody writes there."""
    bin: str
    """Folder of the host with the interpreter that has pytest."""
    image: str
    """Docker image with the same interpreter packages and the repository; empty without an engine."""
    scratch: str
    """An empty folder of the host, the peer's own."""
    python: str
    """Minor version of that interpreter, such as "3.11"."""
    label: str
    """What its containers are labelled with (`name=value`), so that they are found, also if it dies."""


Record = Callable[[str, str, str], None]


class Ran(NamedTuple):
    """How a command ended."""

    exit_code: int
    output: str
    runner: str = ""
    """"warm" or "cold" where that is known."""


class Box:
    """One open sandbox. What a peer has no call for is done by a command."""

    pristine = IN_IMAGE

    def run(self, command: str, timeout_s: float) -> Ran:
        """Run a shell command in the repository; at the limit, do what the peer does there."""
        raise NotImplementedError

    def tests(self, *, warm: bool) -> Ran:
        return self.run(TESTS, LONG_S)

    def write(self, path: str, text: str) -> None:
        self.run(f"printf %s {shlex.quote(text)} > {path}", LONG_S)

    def restore(self) -> None:
        """Back to the pristine files."""
        self.run(f"find . -mindepth 1 -delete && cp -a {self.pristine}/. .", LONG_S)

    def fork(self) -> Box:
        """A second box in the same file state, for those that can."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class Peer:
    """One way to have sandboxes."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    keeps_ready = False
    """Whether sandboxes that were used, or are to be used, stand ready for the next one who asks."""

    def version(self) -> str:
        return ""

    def has_warm_tests(self) -> bool:
        return False

    def open(self, repository: str = "") -> Box:
        """A fresh box, ready for a command. Only Journeyman's own opens any repository."""
        raise NotImplementedError

    @contextmanager
    def recording(self) -> Iterator[Record]:
        """An episode's log, for those that keep one: takes each action, its text and what came back."""
        yield lambda action, text, output: None

    def containers(self) -> set[str]:
        """Full ids of the containers that are its own now."""
        if not self.setup.image:
            return set()
        asked = ["docker", "ps", "-q", "--no-trunc", "--filter", f"label={self.setup.label}"]
        return set(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split())

    def end(self) -> None:
        """Leave nothing behind."""
