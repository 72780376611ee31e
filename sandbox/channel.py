"""The supervisor's end of the stream to the helper in a sandbox (`inside/agent.py` has the message format).

The far end is hostile: whatever escaped control inside may write here. So every exchange has a deadline of its own,
every length is capped before it is believed, and anything that is not a well-formed answer ends the sandbox.
"""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from journeyman.sandbox.inside.agent import encode
from journeyman.sandbox.inside.link import HEADER
from journeyman.sandbox.link import LinkEnd
from journeyman.sandbox.sandbox import SandboxError, SandboxLost, SandboxPathError

INSIDE = Path(__file__).parent / "inside"
"""The helper's package; a backend puts it below /opt/journeyman."""
AGENT_ARGUMENTS = (
    "-I",
    "-S",
    "-c",
    "import sys; sys.path.insert(0, '/opt/journeyman'); from inside.agent import main; main()",
)
"""What an interpreter is given to be the helper on its stdin and stdout."""

MAX_LINK_BYTES = 1 << 16
"""Of one message of a link, in either direction."""
MAX_JSON_BYTES = 64 * 1024 * 1024
AHEAD_BYTES = 1 << 12
"""How much is read at once at the least: most answers whole."""
TURN_S = 1.0
"""The longest that a stream is waited for without a look at whether it was closed, in seconds."""
EXCHANGE_S = 120.0
"""Wall clock for one exchange, on top of a command's own time, in seconds. Only a wedged sandbox takes so long."""


class Stream(Protocol):
    """Two-way bytes to the helper. Deadlines are `time.monotonic()` values."""

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of it. Raises TimeoutError or another OSError."""
        ...

    def receive(self, size: int, deadline: float) -> bytes:
        """Between 1 and `size` bytes; empty at the end. Raises TimeoutError or another OSError."""
        ...

    def close(self) -> None: ...


class SocketStream:
    """A `Stream` over one connected socket."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection

    def send(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                self._wait(select.POLLOUT, deadline)

    def receive(self, size: int, deadline: float) -> bytes:
        while True:
            self._wait(select.POLLIN, deadline)
            try:
                return self._socket.recv(min(size, 1 << 20))
            except BlockingIOError:
                continue

    def close(self) -> None:
        with suppress(OSError):  # not connected any more
            self._socket.shutdown(socket.SHUT_RDWR)  # also where a forked process holds a copy
        self._socket.close()

    def _wait(self, event: int, deadline: float) -> None:
        # In turns: another thread may close it just before the wait, and give its number to a file that stays silent.
        while (handle := self._socket.fileno()) >= 0:
            poll = select.poll()
            poll.register(handle, event)
            left = max(0.0, deadline - time.monotonic())
            if poll.poll(min(left, TURN_S) * 1000):
                return
            if left <= TURN_S:
                raise TimeoutError("no answer in time")
        raise ConnectionError("closed")


class Channel:
    """Requests and answers over a stream, one at a time."""

    def __init__(self, stream: Stream, why_lost: Callable[[], str] = lambda: "") -> None:
        self._stream = stream
        self._why_lost = why_lost
        self._lock = threading.Lock()
        self._sending = threading.Lock()  # a link sends while `ask` waits
        self._came = bytearray()
        self._broken = ""

    def ask(
        self,
        op: str,
        payload: bytes = b"",
        *,
        max_payload: int = 0,
        extra_s: float = 0.0,
        link: LinkEnd | None = None,
        **arguments: Any,
    ) -> tuple[Mapping[str, Any], bytes]:
        """Send one request and wait for its answer.

        Args:
            max_payload: the most bytes that the answer's payload may have.
            extra_s: wall clock on top of `EXCHANGE_S`, in seconds.
            link: where a command's link goes, for the op "run".

        Raises:
            SandboxLost: the far end died, is silent or broke the protocol; the channel is unusable from then on.
            SandboxPathError: the helper refused a path.
            SandboxError: the helper could not do it.
        """
        with self._lock:
            if self._broken:
                raise SandboxLost(self._broken)
            try:
                answer, data = self._exchange(
                    encode({"op": op, **arguments}, len(payload)) + payload, max_payload, extra_s, link
                )
            except BaseException as error:  # an interrupt too leaves half an answer behind
                self._broken = self._lost_because(op, error)
                self._stream.close()
                if isinstance(error, Exception):
                    raise SandboxLost(self._broken) from error
                raise
            finally:
                if link is not None:
                    link.detach()
        if kind := answer.get("error"):
            message = str(answer.get("message", ""))[:2000]
            raise (
                SandboxPathError(message) if kind == "path" else SandboxError(f"the sandbox could not {op}: {message}")
            )
        return answer, data

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While nothing is asked: the sandbox is between two commands."""
        with self._lock:
            if self._broken:
                raise SandboxLost(self._broken)
            yield

    def close(self, why: str = "the sandbox is closed") -> None:
        """Idempotent; may be called from another thread while `ask` waits, which then raises SandboxLost."""
        self._broken = self._broken or why
        self._stream.close()

    def _exchange(
        self, request: bytes, max_payload: int, extra_s: float, link: LinkEnd | None
    ) -> tuple[dict[str, Any], bytes]:
        deadline = time.monotonic() + EXCHANGE_S + extra_s
        with self._sending:
            self._stream.send(request, deadline)
        if link is not None:
            link.attach(lambda data: self._push(data, deadline))
        while True:
            answer, data = self._message(max(max_payload, MAX_LINK_BYTES if link else 0), deadline)
            if link is None or "link" not in answer:
                if len(data) > max_payload:
                    raise ValueError(f"an answer of {len(data)} bytes")
                return answer, data
            link.sent(data)

    def _push(self, data: bytes, deadline: float) -> None:
        for start in range(0, len(data) or 1, MAX_LINK_BYTES):
            part = data[start : start + MAX_LINK_BYTES]
            with self._sending:
                self._stream.send(encode({"op": "link"}, len(part)) + part, deadline)

    def _message(self, max_payload: int, deadline: float) -> tuple[dict[str, Any], bytes]:
        json_size, payload_size = HEADER.unpack(self._exactly(HEADER.size, deadline))
        if json_size > MAX_JSON_BYTES or payload_size > max_payload:
            raise ValueError(f"an answer of {json_size} + {payload_size} bytes")
        answer = json.loads(self._exactly(json_size, deadline))
        if not isinstance(answer, dict):
            raise ValueError("an answer that is not an object")
        return answer, self._exactly(payload_size, deadline)

    def _exactly(self, size: int, deadline: float) -> bytes:
        """The next `size` bytes. What came along with them, `AHEAD_BYTES` at most, waits for the next call."""
        while (missing := size - len(self._came)) > 0:
            part = self._stream.receive(max(missing, AHEAD_BYTES), deadline)
            if not part:
                raise EOFError("the stream ended")
            self._came += part
        with memoryview(self._came) as came:
            data = bytes(came[:size])
        del self._came[:size]
        return data

    def _lost_because(self, op: str, error: BaseException) -> str:
        if self._broken:
            return self._broken
        if isinstance(error, TimeoutError):
            return f"the sandbox did not answer {op!r} in time"
        if isinstance(error, (EOFError, OSError)):
            return f"the sandbox died during {op!r}{f': {why}' if (why := self._why_lost()) else ''}"
        if isinstance(error, Exception):
            return f"the sandbox broke the protocol during {op!r}: {type(error).__name__}: {error}"
        return f"interrupted during {op!r}"
