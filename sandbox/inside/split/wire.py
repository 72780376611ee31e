"""Messages between the two sides: `u32 length | JSON`."""

from __future__ import annotations

import json
import struct

from .system import POLLIN, POLLOUT, monotonic, os, poll
from .values import CannotCross

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LENGTH = struct.Struct(">I")
MAX_MESSAGE = 16 * 1024 * 1024


class Wire:
    """Whole messages over two descriptors, bounded in size and time."""

    def __init__(self, source: int, sink: int, timeout_s: float = 3600.0) -> None:
        self._source, self._sink, self._timeout_s = source, sink, timeout_s
        os.set_blocking(source, False)
        os.set_blocking(sink, False)
        for handle in (source, sink):
            os.set_inheritable(handle, False)

    def send(self, message: Any) -> None:
        text = json.dumps(message).encode()
        if len(text) > MAX_MESSAGE:
            raise CannotCross(f"{len(text)} bytes in one call are more than can cross")
        view = memoryview(LENGTH.pack(len(text)) + text)
        deadline = monotonic() + self._timeout_s
        while view:
            try:
                view = view[os.write(self._sink, view) :]
            except BlockingIOError:
                self._wait(self._sink, POLLOUT, deadline)

    def receive(self) -> Any:
        deadline = monotonic() + self._timeout_s
        (size,) = LENGTH.unpack(self._exactly(LENGTH.size, deadline))
        if size > MAX_MESSAGE:
            raise ValueError(f"a message of {size} bytes")
        return json.loads(self._exactly(size, deadline))

    def _exactly(self, size: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                part = os.read(self._source, min(size - len(data), 1 << 20))
            except BlockingIOError:
                self._wait(self._source, POLLIN, deadline)
                continue
            if not part:
                raise EOFError("the stream ended")
            data += part
        return bytes(data)

    def _wait(self, handle: int, event: int, deadline: float) -> None:
        waiting = poll()
        waiting.register(handle, event)
        if not waiting.poll(max(0.0, deadline - monotonic()) * 1000):
            raise TimeoutError("no answer in time")
