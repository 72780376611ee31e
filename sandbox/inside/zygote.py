"""The zygote: the environment's interpreter with pytest loaded, out of which lanes are forked.

What it loads (see `warm`) comes from the read-only environment alone: no repository is in sight. It answers messages
on its control socket, one packet of JSON each:

    → {}                      once, when it is ready
    {"op": "lane"} + socket   fork a lane (see `lane`) that is spoken to over that socket

and ends when the other end of the control socket closes, and with it everything below. It runs no code of a policy.

In a container it listens instead, and is a lane itself for whoever connects first. What started it there may end later
than a lane begins, so its death must mean nothing: all ends with the container's first process.
"""
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208,
# ruff: noqa: PTH211, RUF100, SIM105, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)

from __future__ import annotations

import json
import os
import signal
import socket
import sys

from . import kernel, lane
from .launch import MAX_MESSAGE


def main() -> None:
    """Be the zygote, on the control socket or the listening one that the arguments name."""
    kind, handle = sys.argv[1], int(sys.argv[2])
    null = os.open("/dev/null", os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    os.close(null)
    os.set_inheritable(handle, False)
    sys.path.remove("/opt/journeyman")
    kernel.trim_memory()
    if kind == "control":
        serve(socket.socket(fileno=handle))
    kernel.fix_addresses(fixed=False)  # of what commands start
    with socket.socket(fileno=handle) as listener:
        connection, _ = listener.accept()
    lane.main(connection.detach())


def serve(control: socket.socket) -> None:
    """Fork lanes until the control socket closes. Never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # lanes, and orphans that we as process 1 inherit
    control.send(b"{}")
    while True:
        data, handles, _, _ = socket.recv_fds(control, MAX_MESSAGE, 1)
        if not data:
            os._exit(0)
        request = json.loads(data)
        if request["op"] == "lane" and kernel.fork() == 0:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            control.close()
            lane.main(handles[0])
        for each in handles:
            os.close(each)
