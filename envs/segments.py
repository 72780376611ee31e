"""The segments that one process writes: an episode stays in the one that it began in, and a full one is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from journeyman.envs.log import LogError, SegmentWriter

FULL_BYTES = 64 * 1024 * 1024
"""A segment that has grown to this takes no further episodes: it can be copied or put aside, and is read in one go."""


class Segments:
    """Writers of segments, opened when there is something to write. Not for several threads at once.

    Args:
        name: makes a new segment's name, without its ending; later ones sort after earlier ones.
    """

    def __init__(self, folder: Path, name: Callable[[], str], *, full_bytes: int = FULL_BYTES) -> None:
        self._folder, self._name, self._full_bytes = folder, name, full_bytes
        self._current: SegmentWriter | None = None
        self._of: dict[str, SegmentWriter] = {}

    def begin(self, episode: str, *payloads: bytes) -> None:
        """Write an episode's first records; where it goes on is settled with them. Raises LogWriteError."""
        writer = self._current
        if writer is None or writer.size >= self._full_bytes:
            writer = SegmentWriter(self._folder / f"{self._name()}.log")
            left, self._current = self._current, writer
            self._close_if_unused(left)
        writer.append(*payloads)
        self._of[episode] = writer

    def append(self, episode: str, *payloads: bytes) -> None:
        """Write more of an episode that has begun. Raises LogWriteError, and LogError for one that has not."""
        if episode not in self._of:
            raise LogError(f"episode {episode} has not begun here")
        self._of[episode].append(*payloads)

    def end(self, episode: str) -> None:
        """An episode writes nothing more."""
        self._close_if_unused(self._of.pop(episode))

    def close(self) -> None:
        """Let go of all. Idempotent."""
        for writer in {*self._of.values(), *([self._current] if self._current else [])}:
            writer.close()
        self._current = None
        self._of.clear()

    def _close_if_unused(self, writer: SegmentWriter | None) -> None:
        if writer is not None and writer is not self._current and writer not in self._of.values():
            writer.close()
