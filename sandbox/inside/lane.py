"""A lane: makes one sandbox at a time, one after the other, and outlives them all.

It is what may be limited and counted as a whole: on the host it sits in a control group of its own, in a container it
is the only one. Each sandbox is a process 1 in fresh namespaces over a fresh overlay; nothing but the lane's group is
shared with the one before, and a network in which nothing ever happened: a new one takes the kernel longer than all the
rest. Packets of JSON over the lane's socket:

    {"op": "launch", template, limits, layers, bounded} + socket, layer mounts
                      → nothing; process 1 answers on that socket, see `agent` ("hello", or the error of its launch)
    {"op": "share"} + image [, "empty": true]
                      → {"shared": bytes}          hold memory in common with it, see `twins`; before any launch
    {"op": "freeze"}  → {"frozen": n} + n mounts   what was written so far becomes a layer that never changes again
    {"op": "end"}     → {"ended": true}            when nothing of the sandbox is left
                      → {"died": wait status}      by itself, when process 1 ends unasked
"""
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208,
# ruff: noqa: PTH211, RUF100, SIM105, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket

from . import kernel as k
from . import landlock, root, seccomp, twins
from .agent import encode, serve
from .files import write_all
from .launch import MAX_MESSAGE
from .warm_run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILTER = seccomp.program(os.uname().machine) if os.uname().machine in seccomp.ARCHITECTURES else b""
"""Made once, in the zygote."""
COUNTERS = ("dev", "snmp", "netstat", "snmp6", "ip6_flowlabel")
"""Files below /proc/self/net; the last two are there where IPv6 is."""
MAX_HANDLES = 250
"""Descriptors of one message; the kernel takes 253."""


def main(handle: int) -> None:
    """In the zygote's child, or in a container the zygote itself: be a lane on that socket.

    Never returns; a warm run's `Run` comes out of it.
    """
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        Lane(socket.socket(fileno=handle)).serve()
    except Run:
        raise
    except BaseException:
        os._exit(1)
    os._exit(0)


class Lane:
    """One sandbox at a time, on demand of the supervisor at the other end of `control`."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY)
        self._child = 0
        self._ended = -1
        self._layers = 0
        self._quiet: list[bytes] = []

    def serve(self) -> None:
        self._control.send(b"{}")
        while True:
            if not self._child:
                try:
                    self._renew()
                except OSError:  # the next launch tries again, and can tell
                    pass
            poll = select.poll()
            poll.register(self._control, select.POLLIN)
            if self._child:
                poll.register(self._ended, select.POLLIN)
            ready = dict(poll.poll())
            if self._control.fileno() in ready:
                data, handles, _, _ = socket.recv_fds(self._control, MAX_MESSAGE, MAX_HANDLES)
                if not data:
                    self._kill()
                    return
                self._answer(json.loads(data), handles)
            elif self._child:
                self._control.send(json.dumps({"died": self._reaped()}).encode())

    def _answer(self, request: dict[str, Any], handles: list[int]) -> None:
        if request["op"] == "launch":
            self._launch(request, handles)
        elif request["op"] == "freeze":
            self._freeze()
        elif request["op"] == "share":
            shared = twins.share(handles[0], empty=request["empty"])
            os.close(handles[0])
            self._control.send(json.dumps({"shared": shared}).encode())
        else:
            self._kill()
            self._control.send(b'{"ended": true}')

    def _launch(self, request: dict[str, Any], handles: list[int]) -> None:
        connection, *layers = handles
        try:
            self._renew()
            k.set_namespace(self._own_pids, k.CLONE_NEWPID)  # a namespace for children can be made only from our own
            k.unshare(k.CLONE_NEWPID)
            self._child = k.fork()
        except OSError as error:
            refuse(connection, error)
        else:
            if self._child == 0:
                become_first(request, connection, layers, [self._control.detach(), self._own_pids])
            self._ended = os.pidfd_open(self._child)
            self._layers = len(layers)
        for handle in handles:
            os.close(handle)

    def _renew(self) -> None:
        """Be in a network in which nothing has happened, for the next sandbox to be born into."""
        if self._quiet and network_counters() == self._quiet:
            return
        k.unshare(k.CLONE_NEWNET)
        root.loopback()
        self._quiet = network_counters()

    def _freeze(self) -> None:
        """Turn what was written so far into a layer below a new, empty one; done by a child in the mount namespace."""
        ours, theirs = socket.socketpair()
        helper = os.fork()
        if helper == 0:
            try:
                k.set_namespace(self._ended, k.CLONE_NEWNS)
                socket.send_fds(theirs, [b"+"], root.freeze(self._layers))
            except BaseException as error:
                theirs.send(str(error).encode())
            finally:
                os._exit(0)
        theirs.close()
        text, handles, _, _ = socket.recv_fds(ours, 1000, MAX_HANDLES)
        ours.close()
        if handles:
            self._layers += 1
            socket.send_fds(self._control, [json.dumps({"frozen": self._layers}).encode()], handles)
        else:
            self._control.send(json.dumps({"error": text.decode("utf-8", "replace")}).encode())
        for handle in handles:
            os.close(handle)
        os.waitpid(helper, 0)

    def _kill(self) -> None:
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            self._reaped()

    def _reaped(self) -> int:
        """Wait for process 1, and with it for all that was in its namespaces; returns its wait status."""
        status = os.waitpid(self._child, 0)[1]
        os.close(self._ended)
        self._child = 0
        return status


def network_counters() -> list[bytes]:
    """What the kernel has counted in our network, and what lingers there. Empty where it does not tell."""
    found = []
    for name in COUNTERS:
        try:
            handle = os.open(f"/proc/self/net/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        found.append(os.read(handle, 1 << 16))
        os.close(handle)
    return found


def become_first(request: dict[str, Any], connection: int, layers: list[int], foreign: list[int]) -> None:
    """In the child: become a sandbox's process 1 and serve. Never returns, as `main`."""
    try:
        k.prctl(k.PR_SET_PDEATHSIG, signal.SIGKILL)
        for handle in foreign:
            os.close(handle)
        k.unshare(k.CLONE_NEWNS | k.CLONE_NEWIPC | k.CLONE_NEWUTS | k.CLONE_NEWCGROUP)
        workspace = root.enter(request["template"], request["limits"], layers)
        for handle in layers:
            os.close(handle)
        k.unshare(k.CLONE_NEWUSER)  # its processes are counted apart from others', and it owns none of the mounts
        k.map_user(root.USER, 0, 0)
        limit(request["limits"], bounded=request["bounded"])
        k.drop_bounding_set()
        k.drop_capabilities()
        k.prctl(k.PR_SET_PDEATHSIG, signal.SIGKILL)
        k.prctl(k.PR_SET_NO_NEW_PRIVS, 1)
        rules = landlock.restrict()
        k.install_filter(FILTER)
        serve(connection, connection, {"workspace": workspace, "landlock": f"version {rules}" if rules else "none"})
    except Run:
        raise
    except BaseException as error:
        refuse(connection, error)
    os._exit(0)


def limit(limits: dict[str, int], bounded: bool) -> None:
    """Set the limits of each process. `bounded` says that something limits the memory of all together."""
    wanted = {
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_FSIZE: limits["file_size_mb"] << 20,
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 64 << 10,
    }
    if not bounded:
        wanted[resource.RLIMIT_AS] = limits["memory_mb"] << 20
    for which, value in wanted.items():
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def refuse(connection: int, error: BaseException) -> None:
    """Answer the supervisor's first question with what went wrong."""
    try:
        write_all(connection, encode({"error": "launch", "message": str(error) or repr(error)}))
    except OSError:
        pass
