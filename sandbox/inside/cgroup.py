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
    """One control group below our own (so that limits over us go on holding), with the sandbox as its only member.

    Args:
        places: the group's folder, with that of the group that we were in before; in version 1, which has a tree of
            groups for each purpose, also those for processor time.
    """

    def __init__(self, version: int, places: list[tuple[str, str]]) -> None:
        self.version, self._places = version, places
        self.folder = places[0][0]

    @property
    def folders(self) -> list[str]:
        return [folder for folder, _ in self._places]

    def limit(self, memory_bytes: int, processes: int) -> None:
        """Set the limits. Raises OSError where the kernel refuses the one on memory."""
        if self.version == 2:
            _write(f"{self.folder}/memory.max", str(memory_bytes))
            _try(f"{self.folder}/memory.swap.max", "0")
            _try(f"{self.folder}/pids.max", str(processes))
        else:
            _write(f"{self.folder}/memory.limit_in_bytes", str(memory_bytes))
            _try(f"{self.folder}/memory.memsw.limit_in_bytes", str(memory_bytes))

    def leave(self) -> None:
        """Go back to where we were, and remove the group, which must hold nobody else."""
        for folder, origin in self._places:
            _try(f"{origin}/cgroup.procs", "0")
            _remove(folder)

    def ran_out(self) -> bool:
        """Whether the kernel killed something in it for want of memory."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        try:
            with open(f"{self.folder}/{name}") as file:
                return any(line.startswith("oom_kill ") and int(line.split()[1]) for line in file)
        except (OSError, ValueError):
            return False


def joined() -> Cgroup | None:
    """A new group with this process in it, or None where none can be had.

    Moving a process makes the kernel wait for all others, some 20 ms: so this is done before it is urgent, and what
    the process starts later is in the group from its first moment.
    """
    if not (memory := _made("memory", "memory.max", "memory.limit_in_bytes")):
        return None
    version, place = memory
    time = _made("cpu", "cpu.weight", "cpu.shares") if version == 1 else None
    return Cgroup(version, [place, time[1]] if time else [place])


def _made(controller: str, *limits: str) -> tuple[int, tuple[str, str]] | None:
    """A new group of a controller with this process in it, as its version, its folder and the one that we left."""
    for parent, version, origin in _candidates(controller):
        folder = f"{parent}/{PREFIX}{os.getpid()}"
        try:
            _sweep(parent)
            os.mkdir(folder)
        except OSError:
            continue
        try:
            if any(os.access(f"{folder}/{limit}", os.W_OK) for limit in limits):
                _write(f"{folder}/cgroup.procs", "0")
                return version, (folder, origin)
        except OSError:
            pass
        _remove(folder)
    return None


def _candidates(controller: str) -> Iterator[tuple[str, int, str]]:
    """Folders in which a group of a controller may be made, with their version and the folder of our own group."""
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
                    origin = _below(point, root, path)
                    yield origin, 1, origin
            elif kind == "cgroup2" and "" in own:
                folder = origin = _below(point, root, own[""])
                while len(folder) >= len(point):  # ours may hold processes, and then cannot be divided; a parent may
                    if controller in _read(f"{folder}/cgroup.subtree_control").split():
                        yield folder, 2, origin
                    folder = os.path.dirname(folder)


def _below(point: str, root: str, path: str) -> str:
    inside = path[len(root) :] if root != "/" and path.startswith(root) else path
    return os.path.normpath(f"{point}/{inside}")


def _sweep(parent: str) -> None:
    """Remove groups whose launcher was killed before it could."""
    for name in os.listdir(parent):
        pid = name[len(PREFIX) :]
        if name.startswith(PREFIX) and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            _remove(f"{parent}/{name}")


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
