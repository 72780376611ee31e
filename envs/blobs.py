"""Long texts by content: each is kept once, compressed, under the SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
import os
import zlib
from contextlib import suppress
from pathlib import Path

from journeyman.envs.log import LogError, LogWriteError, sync_folder

_MAX_INFLATED = 1 << 30


class Blobs:
    """A folder of texts. Several processes may put the same text at once: the last rename wins and nothing differs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, text: str) -> str:
        """Keep a text (it is on the disk when this returns) and give its name.

        Raises:
            LogWriteError: the disk refused.
        """
        data = text.encode("utf-8", "surrogatepass")
        name = hashlib.sha256(data).hexdigest()
        path = self._path(name)
        if not path.exists():
            self._write(path, zlib.compress(data))
        return name

    def get(self, name: str) -> str:
        """The text of a name.

        Raises:
            LogError: it is missing, or its bytes are no longer what was put.
        """
        path = self._path(name)
        try:
            inflater = zlib.decompressobj()
            data = inflater.decompress(path.read_bytes(), _MAX_INFLATED)
        except (OSError, zlib.error) as error:
            raise LogError(f"{path}: a long text of an episode cannot be read: {error}") from error
        if hashlib.sha256(data).hexdigest() != name:
            raise LogError(f"{path}: a long text of an episode is damaged")
        return data.decode("utf-8", "surrogatepass")

    def _path(self, name: str) -> Path:
        if len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            raise LogError(f"{name!r} is no name of a text")
        return self.folder / name[:2] / name[2:]

    def _write(self, path: Path, data: bytes) -> None:
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise LogWriteError(
                f"cannot write to {path.parent}: {error.strerror}. Everything acknowledged until now is kept; "
                "free some space and go on"
            ) from error
