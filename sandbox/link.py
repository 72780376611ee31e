"""A stream of bytes between two commands, each in a sandbox of its own.

    ours, theirs = link()
    with ThreadPoolExecutor(1) as beside:
        serving = beside.submit(one.run, "cat <&3 >&4", timeout_s=9, link=ours)
        other.run("echo hello >&4; exec 4>&-; cat <&3", timeout_s=9, link=theirs)     # prints hello

A linked command reads from descriptor 3 and writes to descriptor 4. All goes through the supervisor, which looks at
none of it: neither sandbox learns where the other is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from journeyman.sandbox.sandbox import SandboxError

Push = Callable[[bytes], None]
"""Sends bytes to a running command; none at all ends its input. Blocks while the command does not read."""


class LinkEnd:
    """One end, for one `Sandbox.run`."""

    def __init__(self) -> None:
        self._other: LinkEnd = self
        self._push: Push | None = None
        self._early: list[bytes] = []
        self._lock = threading.Lock()

    def attach(self, push: Push) -> None:
        """The command of this end has begun: what came before goes to it first."""
        with self._lock:
            for data in self._early:
                push(data)
            self._early, self._push = [], push

    def sent(self, data: bytes) -> None:
        """The command of this end wrote `data`; nothing means that it closed its end."""
        self._other._receive(data)

    def detach(self) -> None:
        """The command of this end is over: the other one reads the end of its input."""
        with self._lock:
            self._push = lambda data: None
        self._other._receive(b"")

    def _receive(self, data: bytes) -> None:
        with self._lock:
            if self._push is None:
                self._early.append(data)
                return
            push = self._push
        with suppress(SandboxError, OSError):  # its sandbox is gone, which its own `run` tells
            push(data)


def link() -> tuple[LinkEnd, LinkEnd]:
    """The two ends of a new link."""
    one, other = LinkEnd(), LinkEnd()
    one._other, other._other = other, one
    return one, other
