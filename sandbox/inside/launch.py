"""The launcher: one process per sandbox, outside of it. It makes the namespaces, becomes the parent of the helper
inside them, and ends with it.

    supervisor ── socket ──┬─ launcher (host; waits)              both hold the socket; when the supervisor's end
                           └─ helper (process 1 of the sandbox)   closes, however it died, the launcher kills process 1,
                                                                  and with it the kernel ends all that is inside

It is started with an empty environment and no descriptor but the socket, makes its `Place` and then reads from the
socket one request, "launch", with the folders and the limits. There are two ways to the same end state:

    as root    mounts are made as root, then commands become a user of their own (mapped to 1000 in a user namespace
               of their own where the kernel lets us make one)
    as a user  a user namespace in which we may mount comes first, and we are its user 1000

In force at the end: no capability, no network, no new privilege, and the seccomp filter over all of it.
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
import sys

from . import kernel as k
from . import root, seccomp
from .agent import encode, serve
from .cgroup import Cgroup, joined
from .files import read_exactly, write_all
from .link import HEADER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OUT_OF_MEMORY, KILLED = 10, 9
"""How the launcher's exit status tells why process 1 ended; 0 when it was asked to."""
FIRST_USER = 100_000


class Place:
    """What a sandbox needs of the kernel and can be had before its files are known, so that one can wait ready."""

    def __init__(self) -> None:
        self.group = joined()
        self.as_root = os.geteuid() == 0
        self.owner, self.user_namespace = root.USER, None
        if self.as_root:
            _protect()
            self.owner = FIRST_USER + os.getpid()
            self.user_namespace = _user_namespace(self.owner)
        else:
            uid, gid = os.getuid(), os.getgid()
            k.unshare(k.CLONE_NEWUSER)
            _map("self", uid, gid)
        k.unshare(k.CLONE_NEWPID)


def main() -> None:
    """Get ready, launch the one sandbox that is asked for over the socket that is stdin, and wait for its end."""
    control, supervisor = os.dup(0), os.getppid()
    null = os.open("/dev/null", os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    place, problem = None, ""
    try:
        place = Place()
    except OSError as error:
        problem = str(error)
    header = read_exactly(control, HEADER.size)
    if not header and place and place.group:  # nobody needed us
        place.group.leave()
    if not header:
        return
    config = json.loads(read_exactly(control, HEADER.unpack(header)[0]))
    child = 0
    if place:
        try:
            child = _start(config, control, place)
        except OSError as error:
            problem = str(error)
    if not place or not child:
        _refuse(control, problem)
        sys.exit(1)
    status = _wait(child, control, place.group)
    if place.group and os.getppid() != supervisor:  # it died: nobody else will remove the group now
        place.group.leave()
    sys.exit(status)


def _start(config: dict[str, Any], control: int, place: Place) -> int:
    if place.group:
        place.group.limit(config["limits"]["memory_mb"] << 20, config["limits"]["processes"] + 2)
    child = os.fork()
    if child:
        return child
    try:
        report = _enter(config, place)
        write_all(control, encode(report))
        serve(control, control)
    except BaseException as error:
        _refuse(control, str(error) or repr(error))
    finally:
        os._exit(0)


def _enter(config: dict[str, Any], place: Place) -> dict[str, Any]:
    """In the child: become the sandbox's process 1. Returns what is in force."""
    k.prctl(k.PR_SET_PDEATHSIG, signal.SIGKILL)
    k.unshare(k.CLONE_NEWNS | k.CLONE_NEWNET | k.CLONE_NEWIPC | k.CLONE_NEWUTS | k.CLONE_NEWCGROUP)
    workspace, mapped = root.build(config, place.as_root, place.owner, place.user_namespace)
    _limit(config["limits"], in_group=place.group is not None)
    user = root.USER
    if mapped and place.user_namespace is not None:
        k.set_namespace(place.user_namespace, k.CLONE_NEWUSER)
    elif place.as_root:
        user = place.owner
    if place.user_namespace is not None:
        os.close(place.user_namespace)
    k.drop_bounding_set()
    if place.as_root:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        k.prctl(k.PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of user clears it
    k.drop_capabilities()
    k.prctl(k.PR_SET_NO_NEW_PRIVS, 1)
    k.install_filter(seccomp.program(os.uname().machine))
    memory = f"cgroup v{place.group.version}, whole sandbox" if place.group else "address space, per process"
    groups = place.group.folders if place.group else []
    return {"workspace": workspace, "memory": memory, "user": user, "groups": groups}


def _protect() -> None:
    """Short of memory, the kernel shall take a command, not us."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("-1000")
    except OSError:
        pass


def _limit(limits: dict[str, int], in_group: bool) -> None:
    wanted = {
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_FSIZE: limits["file_size_mb"] << 20,
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 64 << 10,
    }
    if not in_group:
        wanted[resource.RLIMIT_AS] = limits["memory_mb"] << 20
    for which, value in wanted.items():
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def _map(process: str, uid: int, gid: int) -> None:
    """Say who user 1000 of a process's user namespace is outside."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{root.USER} {uid} 1"), ("gid_map", f"{root.USER} {gid} 1")):
        if name == "setgroups" and process != "self":
            continue  # a map that root writes needs no such promise
        with open(f"/proc/{process}/{name}", "w") as file:
            file.write(text)


def _user_namespace(owner: int) -> int | None:
    """As root: a user namespace in which 1000 is `owner`, as a descriptor; None where none can be made."""
    ready, go = os.pipe(), os.pipe()
    holder = os.fork()
    if holder == 0:
        try:
            k.unshare(k.CLONE_NEWUSER)
            os.write(ready[1], b"+")
            os.close(go[1])
            os.read(go[0], 1)
        finally:
            os._exit(0)
    os.close(ready[1])
    try:
        if not os.read(ready[0], 1):
            return None
        _map(str(holder), owner, owner)
        return os.open(f"/proc/{holder}/ns/user", os.O_RDONLY)
    except OSError:
        return None
    finally:
        for handle in (ready[0], *go):
            os.close(handle)
        os.waitpid(holder, 0)


def _wait(child: int, control: int, group: Cgroup | None) -> int:
    """Until process 1 ends or the supervisor's end of the socket closes."""
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(control, 0)
    asked = ended not in dict(poll.poll())
    if asked:
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if asked or not os.WIFSIGNALED(status):
        return 0
    return OUT_OF_MEMORY if group and group.ran_out() else KILLED


def _refuse(control: int, problem: str) -> None:
    try:
        write_all(control, encode({"error": "launch", "message": problem}))
    except OSError:
        pass
