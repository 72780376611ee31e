"""A memory limit for a whole sandbox, where we may make a control group; otherwise each process has its own limit.

The group also makes the sandbox one of many where processor time is shared out. Without it, the kernel gives every
session that a command starts as large a share as all else that was started from one terminal.
"""
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208,
# ruff: noqa: PTH211, RUF100, SIM105, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "journeyman-"


class Cgroup:
    """One control group below our own (so that limits over us go on holding), with a lane and its sandbox as members.

    Args:
        folders: the group's folder; in version 1, which has a tree of groups for each purpose, also that for processor
            time.
    """

    def __init__(self, version: int, folders: list[str]) -> None:
        self.version, self.folders = version, folders

    def limit(self, memory_bytes: int, processes: int) -> None:
        """Set the limits. Raises OSError where the kernel refuses the one on memory."""
        folder = self.folders[0]
        if self.version == 2:
            _write(f"{folder}/memory.max", str(memory_bytes))
            _try(f"{folder}/memory.swap.max", "0")
            _try(f"{folder}/pids.max", str(processes))
        else:
            _try(f"{folder}/memory.memsw.limit_in_bytes", "-1")  # it may not be below the other one, also in between
            _write(f"{folder}/memory.limit_in_bytes", str(memory_bytes))
            _try(f"{folder}/memory.memsw.limit_in_bytes", str(memory_bytes))

    def remove(self) -> None:
        """Remove it; its members must be gone."""
        for folder in self.folders:
            _remove(folder)

    def out_of_memory(self) -> int:
        """How many processes in it the kernel has killed for want of memory."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        try:
            with open(f"{self.folders[0]}/{name}") as file:
                return sum(int(line.split()[1]) for line in file if line.startswith("oom_kill "))
        except (OSError, ValueError):
            return 0


def joined(pid: int, owner: int) -> Cgroup | None:
    """A new group with a process in it, or None where none can be had.

    Moving a process makes the kernel wait for all others, some 20 ms: so this is done before it is urgent, and what
    the process starts later is in the group from its first moment.

    Args:
        owner: process id of the outer process, at whose end the group may be removed.
    """
    if not (memory := _made(pid, owner, "memory", "memory.max", "memory.limit_in_bytes")):
        return None
    version, folder = memory
    time = _made(pid, owner, "cpu", "cpu.weight", "cpu.shares") if version == 1 else None
    return Cgroup(version, [folder, time[1]] if time else [folder])


def sweep(owner: int = 0) -> bool:
    """Remove the groups of an outer process that is at its end, and those of outer processes that are gone.

    Says whether one of the owner's is left: the kernel keeps a group for a moment after its last member's end.
    """
    for folder, pid in groups().items():
        if pid == str(owner) or not os.path.exists(f"/proc/{pid}"):
            _remove(folder)
    return str(owner) in groups().values()


def groups() -> dict[str, str]:
    """The folder of every group of ours, with the process id of its outer process."""
    found: dict[str, str] = {}
    for controller in ("memory", "cpu"):
        for parent, _ in _candidates(controller):
            for name in os.listdir(parent):
                if name.startswith(PREFIX):
                    found[f"{parent}/{name}"] = name[len(PREFIX) :].split("-")[0]
    return found


def _made(pid: int, owner: int, controller: str, *limits: str) -> tuple[int, str] | None:
    """A new group of a controller with the process in it, as its version and its folder."""
    for parent, version in _candidates(controller):
        folder = f"{parent}/{PREFIX}{owner}-{pid}"
        try:
            os.mkdir(folder)
        except OSError:
            continue
        try:
            if any(os.access(f"{folder}/{limit}", os.W_OK) for limit in limits):
                _write(f"{folder}/cgroup.procs", str(pid))
                return version, folder
        except OSError:
            pass
        _remove(folder)
    return None


def _candidates(controller: str) -> Iterator[tuple[str, int]]:
    """Folders in which a group of a controller may be made, with their version."""
    with open("/proc/self/cgroup") as file:
        own = {controllers: path for _, controllers, path in (line.strip().split(":", 2) for line in file)}
    with open("/proc/self/mountinfo") as file:
        for line in file:
            left, _, right = line.partition(" - ")
            root, point = left.split()[3:5]
            kind, _, options = right.split()[:3]
            if kind == "cgroup" and controller in options.split(","):
                path = next((path for names, path in own.items() if controller in names.split(",")), "")
                if path:
                    yield _below(point, root, path), 1
            elif kind == "cgroup2" and "" in own:
                folder = _below(point, root, own[""])
                while len(folder) >= len(point):  # ours may hold processes, and then cannot be divided; a parent may
                    if controller in _read(f"{folder}/cgroup.subtree_control").split():
                        yield folder, 2
                    folder = os.path.dirname(folder)


def _below(point: str, root: str, path: str) -> str:
    inside = path[len(root) :] if root != "/" and path.startswith(root) else path
    return os.path.normpath(f"{point}/{inside}")


def _remove(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:
        pass


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _try(path: str, text: str) -> None:
    try:
        _write(path, text)
    except OSError:
        pass
