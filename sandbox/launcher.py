"""Launchers on the host side: started ahead, one in reserve, so that a reset does not wait for an interpreter's start.

A launcher that waits has imported its code and made its control group and user namespace; it holds nothing of any
task. It ends when our end of its socket closes, so that a supervisor that dies leaves none behind.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from journeyman.sandbox.channel import INSIDE, Channel, SocketStream
from journeyman.sandbox.inside.launch import OUT_OF_MEMORY

LAUNCH = f"import sys; sys.path.insert(0, {str(INSIDE.parent)!r}); from inside.launch import main; main()"
END_S = 20.0
"""How long a sandbox may take to end before its launcher is killed, in seconds."""


class Launcher:
    """One launcher process, and the channel to it and, after "launch", to the helper in its sandbox."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        python: str = getattr(sys, "_base_executable", "") or sys.executable
        try:
            self.process = subprocess.Popen(
                [python, "-I", "-S", "-c", LAUNCH],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict[str, str](),
                cwd="/",
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self.channel = Channel(SocketStream(ours), self._why)
        self.groups: tuple[str, ...] = ()
        """Its control groups, which it cannot remove itself while it is a member."""

    def end(self) -> None:
        """End the sandbox, or the waiting launcher, and all that is in it. Idempotent."""
        self.channel.close()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()  # process 1 dies with its launcher
            self.process.wait()
        for group in self.groups:
            with suppress(OSError):  # a later launcher sweeps what is left
                Path(group).rmdir()

    def _why(self) -> str:
        """Why the sandbox ended, once its stream has."""
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            return "its launcher hangs"
        return "out of memory" if code == OUT_OF_MEMORY else "it was killed"


_lock = threading.Lock()
_reserve: dict[int, Launcher] = {}
"""By process id: a fork must not take its parent's."""


def take() -> Launcher:
    """The launcher in reserve, else a new one."""
    with _lock:
        waiting = _reserve.pop(os.getpid(), None)
    if waiting is not None and waiting.process.poll() is None:
        return waiting
    return Launcher()


def prepare() -> None:
    """Have one in reserve."""
    with _lock:
        if os.getpid() not in _reserve:
            _reserve[os.getpid()] = Launcher()


@atexit.register
def dismiss() -> None:
    """End the launcher in reserve."""
    with _lock:
        waiting = _reserve.pop(os.getpid(), None)
    if waiting is not None:
        waiting.end()
