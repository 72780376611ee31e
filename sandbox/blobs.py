"""Bytes by content: each is kept once, compressed, under the SHA-256 of what it holds.

<folder>/<ab>/<the other 62 digits>
"""

from __future__ import annotations

import hashlib
import os
import threading
import zlib
from contextlib import suppress
from pathlib import Path

from journeyman.sandbox.home import sync_folder

PART = ".part"
"""Ends the name of what is not whole yet."""
_MAX_INFLATED = 1 << 30


class BlobError(ValueError):
    """What was asked for is missing, damaged, or no name at all."""


class Blobs:
    """A folder of bytes. Several processes may put the same at once: the last rename wins and nothing differs.

    Args:
        durable: what `put` has returned for is on the disk, also after a power cut.
    """

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder = folder
        self._durable = durable

    def put(self, data: bytes) -> str:
        """Keep bytes and give their name. Raises OSError where the disk refuses."""
        name = hashlib.sha256(data).hexdigest()
        if not (path := self.path(name)).exists():
            write_whole(path, zlib.compress(data), durable=self._durable)
        return name

    def get(self, name: str) -> bytes:
        """The bytes of a name.

        Raises:
            BlobError: they are missing, or no longer what was put.
        """
        path = self.path(name)
        try:
            data = zlib.decompressobj().decompress(path.read_bytes(), _MAX_INFLATED)
        except (OSError, zlib.error) as error:
            raise BlobError(f"{path} cannot be read: {error}") from error
        if hashlib.sha256(data).hexdigest() != name:
            raise BlobError(f"{path} is damaged")
        return data

    def path(self, name: str) -> Path:
        """Where it lies. Raises BlobError for what is no name."""
        if len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            raise BlobError(f"{name!r} is no name of a content")
        return self.folder / name[:2] / name[2:]


def write_whole(path: Path, data: bytes, *, durable: bool) -> None:
    """Write a file whole or not at all, and its folders. Raises OSError where the disk refuses."""
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
        if durable:
            sync_folder(path.parent)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
