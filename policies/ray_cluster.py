"""The way into a Ray cluster: one that runs already, or one of our own here. Quiet, and without telemetry."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray

from journeyman.policies.job import EngineError

OBJECT_STORE_BYTES = 100 * 1024 * 1024
"""Of a Ray of our own: steps and tasks are small, and a container's /dev/shm may be."""
ANSWER_S = 10.0
"""How long a cluster's head may take to answer, in seconds."""
_FOLDER = "journeyman-ray-"
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}


def connect(address: str | None = None) -> Callable[[], None]:
    """Join the cluster at `address`, else at RAY_ADDRESS, else start one here. One already joined is used as it is.

    Returns:
        What leaves the cluster, or stops the one started here and deletes its files. It may be called again.

    Raises:
        EngineError: no cluster answers, or it is of another version.
    """
    if address and "://" in address:
        raise EngineError(f"{address}: give the head's HOST:PORT (Ray's client addresses cannot carry episodes)")
    if ray.is_initialized():
        return lambda: None
    address = address or os.environ.get("RAY_ADDRESS")
    if address is None or address == "local":
        return _start()
    try:
        if address != "auto":  # Ray itself would look for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), ANSWER_S).close()
        ray.init(address, **_QUIET)
    except (OSError, RuntimeError, ValueError) as error:
        why = str(error).strip().partition("\n")[0]
        raise EngineError(f"no Ray cluster at {address} that takes us ({why}); give its head's HOST:PORT") from error
    return ray.shutdown


def _start() -> Callable[[], None]:
    """A Ray that dies with us, and whose files and sockets nobody else can reach (its ports ask for Ray's token)."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER, dir="/tmp"))  # Ray's socket paths are long, and may not be too long
    alive = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(alive, fcntl.LOCK_EX)

    def stop() -> None:
        nonlocal alive
        if alive >= 0:
            ray.shutdown()
            shutil.rmtree(folder, ignore_errors=True)
            os.close(alive)
            alive = -1

    try:
        ray.init(
            "local", include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES, _temp_dir=str(folder), **_QUIET
        )  # fmt: skip
    except BaseException:
        stop()
        raise
    return stop


def _sweep() -> None:
    """Delete what is left of those whose process was killed."""
    for folder in Path("/tmp").glob(_FOLDER + "*"):
        with suppress(OSError):  # somebody else's, or alive
            alive = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(alive).st_uid == os.geteuid():
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(alive)
