"""Whether a folder's files have changed since one looked, without looking at each: the kernel tells (inotify(7)).

What it does not tell: writes through a memory map, through a hard link that lies elsewhere, and from other machines
that share the file system. Where there is no inotify, or not enough of it, everything counts as changed.
"""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

CHANGES = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800 | 0x1000000
"""Modified, attributes, closed after writing, moved, created, deleted, itself deleted or moved; only folders."""
EVENT = struct.Struct("iIII")
OVERFLOW = -1
"""The watch of an event that says that others were lost."""
MAX_FOLDERS = 2000
"""Of one tree: the kernel gives each user some ten thousand watches or more."""


class Watch:
    """Trees that are watched by this process. A forked process must make its own."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._trees: dict[int, Path] = {}
        self._still: set[Path] = set()
        self._lock = threading.Lock()

    def begin(self, root: Path, folders: Iterable[str]) -> None:
        """Watch the folders of a tree (paths below it). Call before looking at the files, so that nothing is missed."""
        with self._lock:
            self._forget(root)
            if self._handle < 0 or len(below := list(folders)) > MAX_FOLDERS:
                return
            for folder in below:
                number = self._libc.inotify_add_watch(self._handle, os.fsencode(root / folder), CHANGES)
                if number < 0 or self._trees.get(number, root) != root:  # no more to be had, or another tree's too
                    self._forget(root)
                    return
                self._trees[number] = root
            self._still.add(root)

    def is_still(self, root: Path) -> bool:
        """Whether the tree is watched and nothing in it has changed since `begin`."""
        with self._lock:
            self._read()
            return root in self._still

    def _read(self) -> None:
        with suppress(BlockingIOError, OSError):
            while data := os.read(self._handle, 1 << 16):
                while data:
                    number, _, _, length = EVENT.unpack_from(data)
                    data = data[EVENT.size + length :]
                    changed = self._still if number == OVERFLOW else {self._trees.get(number)} & self._still
                    for root in [root for root in changed if root is not None]:
                        self._forget(root)

    def _forget(self, root: Path) -> None:
        self._still.discard(root)
        for number in [number for number, tree in self._trees.items() if tree == root]:
            self._libc.inotify_rm_watch(self._handle, number)
            del self._trees[number]


_watches: dict[int, Watch] = {}
_making = threading.Lock()


def watch() -> Watch:
    """This process's."""
    with _making:
        if os.getpid() not in _watches:
            _watches[os.getpid()] = Watch()
        return _watches[os.getpid()]
