"""Zygotes of the namespace backend: one process tree per environment, out of which its lanes are forked."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

from journeyman.sandbox.channel import INSIDE
from journeyman.sandbox.inside import cgroup
from journeyman.sandbox.inside.launch import MAX_MESSAGE
from journeyman.sandbox.lanes import Lane
from journeyman.sandbox.sandbox import SandboxUnavailable

LAUNCH = f"import sys; sys.path.insert(0, {str(INSIDE.parent)!r}); from inside.launch import main; main()"
START_S = 60.0
"""How long a zygote may take to load what it loads, in seconds; it takes a quarter of one."""
CREDENTIALS = struct.Struct("iII")
"""Of a packet's sender: pid, user, group."""


class Zygotes:
    """A `Source` of lanes: starts the zygote when the first lane is asked for, and another one should it have died.

    Args:
        config: what `inside/launch.py` needs: folders of the host, and variables.
    """

    max_idle = 64

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = dict(config)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def lane(self) -> Lane:
        """See `Source.lane`. Raises SandboxUnavailable, saying what the kernel refused."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._end()
                self._start()
            assert self._process is not None and self._control is not None
            try:
                connection, pid = lane_of(self._control)
            except OSError as error:
                raise SandboxUnavailable(f"the zygote is gone: {error}") from error
            group = cgroup.joined(pid, self._process.pid)
        return Lane(connection, partial(_retire, pid, group), group=group, bounded=False)

    def close(self) -> None:
        """See `Source.close`."""
        with self._lock:
            self._end()

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        python: str = getattr(sys, "_base_executable", "") or sys.executable
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [python, "-I", "-S", "-c", LAUNCH],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=dict[str, str](),
                    cwd="/",
                    start_new_session=True,  # Ctrl-C in the terminal is for the supervisor
                )
            self._control = ours
            cgroup.sweep()
            ours.send(json.dumps(self._config).encode())
            answer = json.loads(packet(ours) or b'{"error": "it ended at once"}')
        except OSError as error:
            answer = {"error": str(error)}
        if "error" in answer:
            self._end()
            raise SandboxUnavailable(str(answer["error"]))

    def _end(self) -> None:
        """The outer process kills the zygote when our end closes."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(START_S)
            except subprocess.TimeoutExpired:
                self._process.kill()  # the zygote dies with it
                self._process.wait()
        self._process = self._control = None


def lane_of(control: socket.socket) -> tuple[socket.socket, int]:
    """A new lane of the zygote at the other end: a connection to it, and its process id. Raises OSError."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        with theirs:
            socket.send_fds(control, [b'{"op": "lane"}'], [theirs.fileno()])
        pid = _sender(ours)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
    except BaseException:
        ours.close()
        raise
    return ours, pid


def packet(connection: socket.socket) -> bytes:
    """The first packet that comes; empty when none will. Raises TimeoutError after `START_S`."""
    if not _speaks(connection.fileno()):
        raise TimeoutError(f"it was not ready after {START_S:.0f} s")
    return connection.recv(MAX_MESSAGE)


def _speaks(handle: int) -> bool:
    """Whether there is something to read within `START_S`; of a process's descriptor, that it has ended."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(START_S * 1000))


def _sender(connection: socket.socket) -> int:
    """The process, as we see it, that sends the next packet."""
    if not _speaks(connection.fileno()):
        raise TimeoutError(f"no lane came in {START_S:.0f} s")
    data, about, _, _ = connection.recvmsg(MAX_MESSAGE, socket.CMSG_SPACE(CREDENTIALS.size))
    if not data:
        raise ConnectionError("it ended")
    return int(CREDENTIALS.unpack(about[0][2])[0])


def _retire(pid: int, group: cgroup.Cgroup | None) -> None:
    """A lane ends with its socket. See it gone, so that its group can be removed."""
    try:
        gone = os.pidfd_open(pid)
    except ProcessLookupError:
        gone = -1
    if gone >= 0:
        _speaks(gone)
        os.close(gone)
    if group is not None:
        group.remove()
