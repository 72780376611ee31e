"""An append-only segment file: what `append` acknowledged is on the disk, whatever happens to the process next.

    header   b"JMLOG\\x00", version u16
    record   length u32, crc32 u32 (over length and payload), payload        all little-endian, payload never empty

One writer holds a segment (an advisory lock); readers need no lock. Damage is data, not a crash: `scan` yields the
records that are whole and says where bytes were lost between them. A damaged end (a write cut short by a crash or a
full disk) is cut off when a writer opens the segment, and counted.

Errors:

    LogError (RuntimeError)
    ├── LogLocked             another process is writing to this segment
    └── LogWriteError         the disk refused (full, quota, broken); nothing acknowledged was lost
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from journeyman.sandbox.home import sync_folder

MAGIC = b"JMLOG\x00"
VERSION = 1
HEADER = MAGIC + struct.pack("<H", VERSION)
MAX_PAYLOAD = 256 * 1024 * 1024
_FRAME = struct.Struct("<II")
_LOCK_PATIENCE_S = 1.0  # a reader that probes for a living writer holds a shared lock for an instant


class LogError(RuntimeError):
    """A segment cannot be used as asked."""


class LogLocked(LogError):
    """Another process is writing to this segment."""


class LogWriteError(LogError):
    """The disk refused a write. Nothing that was acknowledged is lost; appending can go on when there is room again."""


@dataclass(frozen=True, slots=True)
class Record:
    """One whole record."""

    offset: int
    """Where its frame begins, in bytes from the start of the file."""
    payload: bytes

    @property
    def end(self) -> int:
        return self.offset + _FRAME.size + len(self.payload)


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no record."""

    offset: int
    length: int
    at_end: bool
    """Nothing whole follows: a write that was cut short, or one still going on."""

    def __str__(self) -> str:
        where = "at the end" if self.at_end else "in the middle; what follows is intact"
        return f"{self.length} bytes are not readable at byte {self.offset} ({where})"


def frame(payload: bytes) -> bytes:
    """A payload as the bytes of its record."""
    if not 0 < len(payload) <= MAX_PAYLOAD:
        raise ValueError(f"a record holds 1 to {MAX_PAYLOAD} bytes, not {len(payload)}")
    length = struct.pack("<I", len(payload))
    return length + struct.pack("<I", zlib.crc32(payload, zlib.crc32(length))) + payload


def _record_at(data: bytes, at: int) -> int | None:
    """The end of the whole record that begins at `at`, or None."""
    if at + _FRAME.size >= len(data):
        return None
    length, crc = _FRAME.unpack_from(data, at)
    end = at + _FRAME.size + length
    if not length or end > len(data):
        return None
    body = memoryview(data)[at + _FRAME.size : end]
    return end if zlib.crc32(body, zlib.crc32(data[at : at + 4])) == crc else None


def scan(path: Path, start: int = 0) -> Iterator[Record | Damage]:
    """Records in order from `start` (0, or where an earlier scan ended), with the damage between them.

    After damage the next whole record is looked for byte by byte, so that one flipped bit costs one record.

    Raises:
        OSError: the file cannot be read at all.
    """
    with path.open("rb") as file:
        file.seek(start)
        data = file.read()
    at, good = 0, 0
    if start == 0 and data:
        at = good = len(HEADER) if data.startswith(HEADER) else 0
    while at < len(data):
        end = _record_at(data, at)
        if end is None:
            at += 1
            continue
        if at > good:
            yield Damage(start + good, at - good, at_end=False)
        yield Record(start + at, data[at + _FRAME.size : end])
        at = good = end
    if good < len(data):
        yield Damage(start + good, len(data) - good, at_end=True)


def read_at(path: Path, offset: int) -> bytes:
    """The payload of the record at an offset that a scan gave.

    Raises:
        LogError: what stands there now is damaged.
    """
    with path.open("rb") as file:
        file.seek(offset)
        head = file.read(_FRAME.size)
        length = _FRAME.unpack(head)[0] if len(head) == _FRAME.size else 0
        data = head + file.read(min(length, MAX_PAYLOAD))
    if _record_at(data, 0) != len(data):
        raise LogError(f"{path}: the record at byte {offset} is damaged")
    return data[_FRAME.size :]


def has_living_writer(path: Path) -> bool:
    """Whether a process holds this segment for writing right now."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class SegmentWriter:
    """The one writer of a segment; makes the file where it is missing and repairs its end where it is torn.

    Raises:
        LogLocked: another writer holds it.
        LogError: the file is no segment, or one of a newer version; it is left as it is.
        LogWriteError: the disk refused.
    """

    lost_bytes: int
    """Bytes of a torn end that opening cut off."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._end = 0  # bytes that are acknowledged
        self._dirty = True  # there may be bytes after them
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LogWriteError(f"cannot write the episode log {path}: {error.strerror}") from error
        try:
            self._lock()
            self._recover()
        except BaseException:
            os.close(self._fd)
            self._fd = -1
            raise

    def append(self, *payloads: bytes) -> list[int]:
        """Write records and return their offsets; when this returns, they are on the disk (one fsync for all).

        Raises:
            LogWriteError: none of them was kept; those of earlier calls all are.
            LogError: the writer is closed.
        """
        if self._fd < 0:
            raise LogError(f"{self.path}: this writer is closed")
        frames = [frame(payload) for payload in payloads]
        try:
            if self._dirty:
                self._cut()
            self._dirty = True
            self._write(b"".join(frames))
            os.fsync(self._fd)
        except OSError as error:
            with suppress(OSError):
                self._cut()
            raise self._refused(error) from error
        self._dirty = False
        offsets = []
        for data in frames:
            offsets.append(self._end)
            self._end += len(data)
        return offsets

    @property
    def size(self) -> int:
        """Bytes of the segment that are acknowledged."""
        return self._end

    def close(self) -> None:
        """Let go of the segment. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _lock(self) -> None:
        until = time.monotonic() + _LOCK_PATIENCE_S
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > until:
                    raise LogLocked(f"{self.path}: another process is writing to this segment") from None
                time.sleep(0.01)

    def _recover(self) -> None:
        self._end = self._whole_bytes()
        self.lost_bytes = os.fstat(self._fd).st_size - self._end
        try:
            self._cut()
            if self._end == 0:
                self._write(HEADER)
                os.fsync(self._fd)
                self._end = len(HEADER)
                sync_folder(self.path.parent)
        except OSError as error:
            raise self._refused(error) from error

    def _whole_bytes(self) -> int:
        """How much of the file is to be kept: everything up to the end of its last whole record."""
        begin = os.pread(self._fd, len(HEADER), 0)
        if not HEADER.startswith(begin):
            raise LogError(f"{self.path}: not an episode log of version {VERSION}; it is left as it is")
        if len(begin) < len(HEADER):
            return 0
        end = len(HEADER)
        for item in scan(self.path):
            if isinstance(item, Record):
                end = item.end
        return end

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        at = self._end
        while view:
            written = os.pwrite(self._fd, view, at)
            view, at = view[written:], at + written

    def _cut(self) -> None:
        os.ftruncate(self._fd, self._end)
        self._dirty = False

    def _refused(self, error: OSError) -> LogWriteError:
        return LogWriteError(
            f"cannot write to {self.path}: {error.strerror}. Everything acknowledged until now is kept; "
            "free some space (or give another --out) and go on"
        )
