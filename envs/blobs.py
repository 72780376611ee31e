"""Long texts of episodes, by content: each is kept once, durably, under the SHA-256 of its bytes."""

from __future__ import annotations

from pathlib import Path

from journeyman.envs.log import LogError, LogWriteError
from journeyman.sandbox import blobs


class Blobs:
    """A folder of texts. Several processes may put the same text at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept = blobs.Blobs(folder, durable=True)

    def put(self, text: str) -> str:
        """Keep a text (it is on the disk when this returns) and give its name.

        Raises:
            LogWriteError: the disk refused.
        """
        try:
            return self._kept.put(text.encode("utf-8", "surrogatepass"))
        except OSError as error:
            raise LogWriteError(
                f"cannot write to {self.folder}: {error.strerror}. Everything acknowledged until now is kept; "
                "free some space and go on"
            ) from error

    def get(self, name: str) -> str:
        """The text of a name.

        Raises:
            LogError: it is missing, or its bytes are no longer what was put.
        """
        try:
            return self._kept.get(name).decode("utf-8", "surrogatepass")
        except blobs.BlobError as error:
            raise LogError(f"a long text of an episode is lost: {error}") from error
