"""File states that are kept on the disk, named by their tree hash.

    snapshots/blobs/…                   what changed files hold, each content once (blobs)
    snapshots/states/<ab>/<tree>-<base> which file holds what; a checksum, then JSON
    snapshots/.lock                     shared by those who put and get, held alone while pruning

A state is visible once it is whole: its contents come first, it follows by a rename. What a process that was killed
left half done is seen by nobody, and goes with the next pruning. What the disk lost or damaged is missing, no more.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from journeyman.sandbox.blobs import PART, BlobError, Blobs, write_whole
from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import File, Snapshot

MAX_BYTES = 4 * 1024**3
"""What a store may take on the disk when nothing else is said."""
CHECK_SHARE = 16
"""A store looks at its size each time that this part of its bound was written."""


class SnapshotMissing(LookupError):
    """No such state is kept, or what is left of it is not whole."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One state of a store."""

    tree_hash: str
    base_hash: str
    size: int
    """What it alone takes of the disk, in bytes: contents that older states hold too are theirs."""
    used: float
    """When it was last put or asked for, in seconds since the epoch."""


class SnapshotStore:
    """Snapshots by tree hash. Threads and processes may share a folder.

    Args:
        folder: where; JOURNEYMAN_HOME/snapshots by default.
        max_bytes: what it may take; the states that were not used for the longest time go first.
    """

    def __init__(self, folder: Path | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self.folder = home("snapshots") if folder is None else folder
        self.max_bytes = max_bytes
        self._blobs = Blobs(self.folder / "blobs", durable=False)
        self._written = 0
        self.folder.mkdir(parents=True, exist_ok=True)

    def put(self, snapshot: Snapshot) -> str:
        """Keep a state and give its tree hash. Raises OSError where the disk refuses."""
        with self._locked(fcntl.LOCK_SH):
            files = {path: [file.mode, self._blobs.put(file.data)] for path, file in snapshot.changed.items()}
            state = {"files": files, "removed": sorted(snapshot.removed), "skipped": list(snapshot.skipped)}
            text = json.dumps(state, separators=(",", ":")).encode()
            checksum = hashlib.sha256(text).hexdigest().encode()
            write_whole(self._path(snapshot.tree_hash, snapshot.base_hash), checksum + text, durable=False)
        self._written += len(text) + sum(len(file.data) for file in snapshot.changed.values())
        if self._written > self.max_bytes // CHECK_SHARE:
            self._written = 0
            self.prune(self.max_bytes)
        return snapshot.tree_hash

    def get(self, tree_hash: str, base_hash: str = "") -> Snapshot:
        """The state of that tree hash.

        Args:
            base_hash: as the difference from this repository; else from whichever it was last put for.

        Raises:
            SnapshotMissing: it is not there, or no longer whole.
        """
        with self._locked(fcntl.LOCK_SH):
            path = self._path(tree_hash, base_hash) if base_hash else self._latest(tree_hash)
            try:
                state = _read(path)
                changed = {name: File(self._content(blob), mode) for name, (mode, blob) in state["files"].items()}
                os.utime(path)
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise SnapshotMissing(f"no state {tree_hash}: {error}") from error
            return Snapshot(
                tree_hash,
                path.name.partition("-")[2],
                MappingProxyType(changed),
                frozenset(state["removed"]),
                tuple(state["skipped"]),
            )

    def kept(self) -> list[Kept]:
        """Every whole state, the one that was used last first."""
        with self._locked(fcntl.LOCK_SH):
            return [state for state, _ in self._sized()]

    def prune(self, max_bytes: int, *, unused_since: float = 0.0) -> int:
        """Forget the states that were used least, until `max_bytes` are left; returns how many bytes that freed.

        Args:
            unused_since: forget also those that were not used since, in seconds since the epoch.
        """
        with self._locked(fcntl.LOCK_EX):
            total, keep = 0, set[Path]()
            for state, files in self._sized():
                total += state.size
                if total <= max_bytes and state.used >= unused_since:
                    keep |= files
            return self._sweep(keep)

    def forget(self, states: Iterable[tuple[str, str]]) -> int:
        """Forget these states (tree hash, base hash), and what is not whole; returns how many bytes that freed."""
        with self._locked(fcntl.LOCK_EX):
            gone = {self._path(tree_hash, base_hash) for tree_hash, base_hash in states}
            return self._sweep({path for _, files in self._sized() if not files & gone for path in files})

    def _sweep(self, keep: set[Path]) -> int:
        freed = 0
        for path in [path for part in ("states", "blobs") for path in (self.folder / part).glob("??/*")]:
            if path not in keep:
                freed += _disk_bytes(path)
                path.unlink()
        return freed

    def _content(self, name: str) -> bytes:
        try:
            return self._blobs.get(name)
        except BlobError:  # out of the way, so that the next one who puts it mends it
            self._blobs.path(name).unlink(missing_ok=True)
            raise

    def _sized(self) -> Iterator[tuple[Kept, set[Path]]]:
        """States with their files, the one that was used last first."""
        counted = set[Path]()
        states = [(path.stat().st_mtime, path) for path in (self.folder / "states").glob("??/*") if path.suffix != PART]
        for used, path in sorted(states, reverse=True):
            try:
                files = {path, *(self._blobs.path(blob) for _, blob in _read(path)["files"].values())}
            except (OSError, ValueError, KeyError, TypeError):
                continue
            size = sum(_disk_bytes(file) for file in files - counted)
            counted |= files
            tree_hash, _, base_hash = path.name.partition("-")
            yield Kept(tree_hash, base_hash, size, used), files

    def _path(self, tree_hash: str, base_hash: str) -> Path:
        for name in (tree_hash, base_hash):
            if not name.isalnum():
                raise SnapshotMissing(f"{name!r} is no hash")
        return self.folder / "states" / tree_hash[:2] / f"{tree_hash}-{base_hash}"

    def _latest(self, tree_hash: str) -> Path:
        if not tree_hash.isalnum():
            raise SnapshotMissing(f"{tree_hash!r} is no hash")
        found = [
            path for path in (self.folder / "states" / tree_hash[:2]).glob(f"{tree_hash}-*") if path.suffix != PART
        ]
        if not found:
            raise SnapshotMissing(f"no state {tree_hash}")
        return max(found, key=lambda path: path.stat().st_mtime)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, how)
            yield


def _read(path: Path) -> dict[str, Any]:
    """Raises ValueError where the state is torn."""
    checksum, text = (data := path.read_bytes())[:64], data[64:]
    if hashlib.sha256(text).hexdigest().encode() != checksum:
        raise BlobError(f"{path} is damaged")
    state: dict[str, Any] = json.loads(text)
    return state


def _disk_bytes(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_blocks * 512
    return 0
