"""A command's link: two pipes through the helper to the supervisor, and so to a command in another sandbox.

The command reads from descriptor 3 and writes to descriptor 4. What it does not read fills the pipe, then the stream
from the supervisor: nothing is kept here but one message in each direction, and nothing here waits for the supervisor.
"""

# ruff: noqa: TID251
from __future__ import annotations

import os
import select
import struct

from .files import read_exactly

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` costs half of the start
    from collections.abc import Callable

HEADER = struct.Struct(">II")
READ, WRITE = 3, 4
"""The command's descriptors."""
CHUNK = 4000
"""Bytes of one message: with its header less than a pipe or a socket takes at once when it says that it takes any."""


class Link:
    """The helper's ends.

    Args:
        control: the stream from the supervisor; while the command runs it carries nothing but the link's messages.
        sink: the stream to the supervisor.
        send: takes what the command wrote; nothing means that it closed its end.
    """

    def __init__(self, control: int, sink: int, send: Callable[[bytes], None]) -> None:
        self._control, self._send = control, send
        self._sink = os.dup(sink)  # may be the same as `control`, and both are waited for
        self._outgoing: bytes | None = None
        self._theirs = [-1, -1]
        self._theirs[0], self._to = os.pipe()
        self._from, self._theirs[1] = os.pipe()
        self._waiting = b""
        os.set_blocking(self._to, False)

    def files(self) -> list[tuple[int, ...]]:
        """For `posix_spawn`: put the command's ends where it looks for them, by way of numbers clear of both."""
        high = max(WRITE, *self._theirs) + 1
        moves = zip(self._theirs, (high, high + 1), (READ, WRITE))  # noqa: B905 (3.9)
        up, down, close = [], [], []
        for handle, between, place in moves:
            up.append((os.POSIX_SPAWN_DUP2, handle, between))
            down.append((os.POSIX_SPAWN_DUP2, between, place))
            close.append((os.POSIX_SPAWN_CLOSE, between))
        return [*up, *down, *close]

    def began(self) -> None:
        """After the start: the command's ends are its own."""
        for handle in self._theirs:
            os.close(handle)
        self._theirs = []

    def register(self, poll: select.poll) -> None:
        """Say what is waited for next."""
        poll.register(self._control, 0 if self._waiting else select.POLLIN)
        if self._waiting and self._to >= 0:
            poll.register(self._to, select.POLLOUT)
        if self._outgoing is not None:
            poll.register(self._sink, select.POLLOUT)
        elif self._from >= 0:
            poll.register(self._from, select.POLLIN)

    def serve(self, ready: dict[int, int], poll: select.poll) -> None:
        """Carry on what is ready."""
        if ready.get(self._control, 0) & select.POLLIN:
            self._take()
        elif ready.get(self._to):
            self._give(poll)
        if self._outgoing is not None and ready.get(self._sink):
            poll.unregister(self._sink)
            self._send(self._outgoing)
            self._outgoing = None
        elif ready.get(self._from):
            self._gather(poll)

    def finish(self) -> None:
        """The command is over: send what still lies in its pipe; its writers are dead."""
        if self._outgoing is not None:
            self._send(self._outgoing)
        while self._from >= 0 and (data := os.read(self._from, CHUNK)):
            self._send(data)

    def close(self) -> None:
        for handle in (*self._theirs, self._to, self._from, self._sink):
            if handle >= 0:
                os.close(handle)
        self._theirs, self._to, self._from, self._sink = [], -1, -1, -1

    def _take(self) -> None:
        header = read_exactly(self._control, HEADER.size)
        if len(header) < HEADER.size:
            os._exit(0)
        _, payload = (read_exactly(self._control, size) for size in HEADER.unpack(header))
        self._waiting = bytes(payload) if self._to >= 0 else b""
        if not payload and self._to >= 0:
            os.close(self._to)
            self._to = -1

    def _give(self, poll: select.poll) -> None:
        try:
            self._waiting = self._waiting[os.write(self._to, self._waiting) :]
        except BlockingIOError:
            pass
        except OSError:  # the command closed it
            self._waiting = b""
        if not self._waiting:
            poll.unregister(self._to)

    def _gather(self, poll: select.poll) -> None:
        self._outgoing = os.read(self._from, CHUNK)
        poll.unregister(self._from)
        if not self._outgoing:
            os.close(self._from)
            self._from = -1
