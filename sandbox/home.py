"""Where built things are kept: the user's cache folder, or JOURNEYMAN_HOME."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from journeyman.sandbox.sandbox import SandboxError


def home(*parts: str) -> Path:
    """The folder for `parts` below the cache, made if need be; only its owner can enter the cache.

    Raises:
        SandboxError: no folder can be made there; the message says what to do.
    """
    root = Path(os.environ.get("JOURNEYMAN_HOME") or platformdirs.user_cache_dir("journeyman")).expanduser().absolute()
    folder = root.joinpath(*parts)
    try:
        if not root.is_dir():
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SandboxError(
            f"{folder}: no folder can be made there ({error.strerror}), and what is built has to be kept somewhere; "
            "set JOURNEYMAN_HOME to one that can be written"
        ) from error
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that `path` names, against other processes and threads; the kernel frees it if we die."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sync_folder(folder: Path) -> None:
    """Make a new file's name durable, not only its bytes."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
