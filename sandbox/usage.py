"""When something in the cache was last used, and whether it is in use now, so that it can be pruned safely.

<folder>/.used     its date is that of the last use, to a minute
<folder>/.users    an empty file for each task that has used it
<folder>/.held     processes that need the folder have it locked; the kernel frees it if they die
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import SandboxUnavailable

NOTED_S = 60.0
"""A use within this time of the last one that was noted is not noted again, in seconds."""

_noted: dict[Path, float] = {}
_users: set[tuple[Path, str]] = set()
_lock = threading.Lock()
_held: dict[tuple[int, Path], tuple[int, int]] = {}
"""(process, folder) → descriptor and how many hold it; a forked child must not count its parent's."""


class Pruned(SandboxUnavailable):
    """What was to be used was taken away at that moment."""


def note_use(folder: Path) -> None:
    """Say that a folder is used. Costs nothing within a minute of the last time."""
    now = time.monotonic()
    if now - _noted.get(folder, -NOTED_S) >= NOTED_S:
        with suppress(OSError):  # a cache that is full, or read-only, still serves
            (folder / ".used").touch()
        _noted[folder] = now


def note_user(folder: Path, name: str) -> None:
    """Say who uses a folder, so that one can see how many share it."""
    if (folder, name) not in _users:
        with suppress(OSError):
            (folder / ".users").mkdir(exist_ok=True)
            (folder / ".users" / hashlib.sha256(name.encode()).hexdigest()[:16]).touch()
        _users.add((folder, name))


def users(folder: Path) -> int:
    """How many have used it."""
    with suppress(OSError):
        return sum(1 for _ in (folder / ".users").iterdir())
    return 0


def last_use(folder: Path) -> float:
    """When it was last used, in seconds since the epoch."""
    with suppress(OSError):
        return (folder / ".used").stat().st_mtime
    return folder.stat().st_mtime


def hold(folder: Path) -> Callable[[], None]:
    """Keep a folder of the cache from being pruned until the function that is returned is called (once), or we die.

    Raises:
        Pruned: it is gone already.
    """
    if not folder.is_relative_to(home()):
        return lambda: None
    key = os.getpid(), folder
    with _lock:
        handle, holders = _held.get(key, (-1, 0))
        if not holders:
            handle = _locked_with_others(folder)
        _held[key] = handle, holders + 1

    def release() -> None:
        with _lock:
            if key[0] != os.getpid() or key not in _held:
                return
            handle, holders = _held.pop(key)
            if holders > 1:
                _held[key] = handle, holders - 1
            else:
                os.close(handle)

    return release


def _locked_with_others(folder: Path) -> int:
    try:
        handle = os.open(folder / ".held", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError as error:
        raise Pruned(f"{folder} was pruned at this moment; try again") from error
    fcntl.flock(handle, fcntl.LOCK_SH)
    if not _is_there(handle, folder):  # it went while we waited
        os.close(handle)
        raise Pruned(f"{folder} was pruned at this moment; try again")
    return handle


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """As `hold`, while the block runs."""
    release = hold(folder)
    try:
        yield
    finally:
        release()


def _is_there(handle: int, folder: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle), (folder / ".held").stat())
    return False


def is_held(folder: Path) -> bool:
    """Whether somebody holds the folder."""
    if not (folder / ".held").exists():
        return False
    with nobody_holds(folder) as free:
        return not free


@contextmanager
def nobody_holds(folder: Path) -> Iterator[bool]:
    """Whether nobody holds the folder; who wants to waits until the block is over."""
    handle = os.open(folder / ".held", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)
