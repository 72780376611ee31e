"""How sandboxes begin: an outer process that makes the first namespaces and waits, and the zygote inside them.

    supervisor ─ control socket ─ outer process         waits; when the supervisor's end closes, however it died, it
                                  └─ inner process      kills what is below
                                     └─ zygote          process 1 of a pid namespace: with it the kernel ends all below

The outer process is started with an empty environment and no descriptor but the socket. The zygote takes an
unprivileged user first, enters a user namespace in which it may mount, and replaces itself by the environment's own
interpreter (see `zygote`), in a file system that is already that of every sandbox but for the repository.

In a container the first process is a shell that waits, its file system is the sandboxes', and the zygote is the
one lane, which listens on a socket (`contained`).
"""
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208,
# ruff: noqa: PTH211, RUF100, SIM105, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time

from . import cgroup, root
from . import kernel as k
from .warm import PROGRAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SWEEPS, SWEEP_S = 50, 0.02
"""How often, and how long apart in seconds, control groups are tried to be removed at the end."""
MAX_MESSAGE = 1 << 16
"""Of one message on a control or lane socket (each is one packet of JSON, with descriptors)."""
ZYGOTE = PROGRAM.format(module="zygote")
VARIABLES = "JOURNEYMAN_VARIABLES"
"""A container's variable that holds the zygote's, as JSON: the image and the engine add others of their own."""
LISTEN_AT = "/run/journeyman/control"
"""Where the zygote of a container listens: a folder of the host that is mounted there."""


def main() -> None:
    """On the host: read what is asked for from the socket that is stdin, start the zygote and wait for its end."""
    control = os.dup(0)
    null = os.open("/dev/null", os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    config = json.loads(os.read(control, MAX_MESSAGE) or b"null")
    if config is None:  # nobody needed us
        return
    k.prctl(k.PR_SET_CHILD_SUBREAPER, 1)  # should the inner process be killed, the zygote's end is ours to see
    child = os.fork()
    if child == 0:
        _inside(config, control)
    _wait(child, control)
    for _ in range(SWEEPS):
        if not cgroup.sweep(os.getpid()):
            break
        time.sleep(SWEEP_S)


def contained() -> None:
    """In a container: start the zygote, which listens at `LISTEN_AT` and is the one lane, and leave it alone.

    The container's first process waits for the end of its stdin, and ends all with itself.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(LISTEN_AT)
    listener.listen(1)
    _become_root_of_a_namespace(k.CLONE_NEWNS)
    k.mount("", "/", "", k.MS_REC | k.MS_PRIVATE)
    k.unshare(k.CLONE_NEWPID)
    if os.fork() == 0:
        variables = json.loads(os.environ[VARIABLES])  # not the container's own
        k.fix_addresses(fixed=True)  # so that lanes have memory alike, see `twins`
        _become_zygote(listener.detach(), "listen", variables)


def _inside(config: dict[str, Any], handle: int) -> None:
    """In the child: enter the namespaces, have the zygote start on that socket, and wait for it. Never returns."""
    try:
        k.prctl(k.PR_SET_PDEATHSIG, signal.SIGKILL)
        _enter_host(config)
        k.unshare(k.CLONE_NEWPID)
        k.prctl(k.PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of user clears it
        zygote = os.fork()
        if zygote == 0:
            k.prctl(k.PR_SET_PDEATHSIG, signal.SIGKILL)
            _become_zygote(handle, "control", config["variables"])
        os.close(handle)
        os.waitpid(zygote, 0)
    except BaseException as error:
        _refuse(handle, error)
    finally:
        os._exit(1)


def _enter_host(config: dict[str, Any]) -> None:
    """Lay the file system, and take an ordinary user who may do what root does in namespaces of his own."""
    as_root = os.geteuid() == 0
    if as_root:
        _score()
        k.unshare(k.CLONE_NEWNS)
    else:
        _become_root_of_a_namespace(k.CLONE_NEWNS)
    root.build(config)
    if as_root:
        owner = config["owner"]
        os.setgroups([])
        os.setresgid(owner, owner, owner)
        os.setresuid(owner, owner, owner)
        k.prctl(k.PR_SET_DUMPABLE, 1)  # else our own files in /proc are root's
        _become_root_of_a_namespace(k.CLONE_NEWNS)
    k.unshare(k.CLONE_NEWNET | k.CLONE_NEWIPC | k.CLONE_NEWUTS)
    k.set_host_name("sandbox")


def _become_zygote(handle: int, kind: str, variables: dict[str, str]) -> None:
    """As process 1 of a pid namespace: take the environment's interpreter. Never returns."""
    root.mount_proc("/proc")
    os.set_inheritable(handle, True)
    program = "/opt/env/bin/python"
    os.execve(program, [program, "-c", ZYGOTE, kind, str(handle)], variables)


def _become_root_of_a_namespace(others: int) -> None:
    """Enter a user namespace, and others that belong to it, in which our user may do what root does outside."""
    uid, gid = os.getuid(), os.getgid()
    k.unshare(k.CLONE_NEWUSER | others)
    k.map_user(0, uid, gid)


def _score() -> None:
    """As root: from here on nobody can ask to be spared when the kernel is short of memory, whatever our parent could.

    Commands are born with a score of 1000; the least to which they may lower it is what root wrote last.
    """
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("0")


def _wait(child: int, control: int) -> None:
    """Until the child ends or the other end of `control` closes."""
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(control, 0)
    if ended not in dict(poll.poll()):
        os.kill(child, signal.SIGKILL)
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return


def _refuse(control: int, error: BaseException) -> None:
    try:
        os.write(control, json.dumps({"error": str(error) or repr(error)}).encode())
    except OSError:
        pass
