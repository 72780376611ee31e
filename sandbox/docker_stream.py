"""The standard streams of a container over one socket, as the engine frames them.

What is sent goes to the container's stdin as it is. What comes is a run of frames

    u8 stream (1 stdout, 2 stderr) | 3 zero bytes | u32 length, big endian | bytes

of which stdout's bytes are the helper's answers; the end of stderr is kept, to say why a helper died.
"""

from __future__ import annotations

import struct

from journeyman.sandbox.channel import Stream

HEADER = struct.Struct(">BxxxL")
STDOUT, STDERR = 1, 2
MAX_COMPLAINT_BYTES = 2000


class AttachedStream:
    """A `Stream` over an attach socket's raw bytes."""

    def __init__(self, raw: Stream) -> None:
        self._raw = raw
        self._kind = STDOUT
        self._left = 0
        self._complaint = b""

    @property
    def complaint(self) -> str:
        """The end of what came on stderr."""
        return self._complaint.decode("utf-8", "replace").strip()

    def send(self, data: bytes, deadline: float) -> None:
        self._raw.send(data, deadline)

    def receive(self, size: int, deadline: float) -> bytes:
        while True:
            while not self._left:  # a frame may be empty
                if not self._next_frame(deadline):
                    return b""
            data = self._raw.receive(min(size, self._left), deadline)
            self._left = self._left - len(data) if data else 0
            if self._kind == STDOUT or not data:
                return data
            self._complaint = (self._complaint + data)[-MAX_COMPLAINT_BYTES:]

    def has_ended(self) -> bool:
        """Whether the container has ended; keeps what it said on stderr. For a stream that carries nothing else."""
        try:
            while self.receive(1 << 16, 0.0):
                continue
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        self._raw.close()

    def _next_frame(self, deadline: float) -> bool:
        """Read a frame's header; False at the end of the stream."""
        header = b""
        while len(header) < HEADER.size:
            data = self._raw.receive(HEADER.size - len(header), deadline)
            if not data:
                return False
            header += data
        self._kind, self._left = HEADER.unpack(header)
        if self._kind not in (STDOUT, STDERR):
            raise ConnectionError(f"the engine sent a frame of an unknown stream: {header!r}")
        return True
