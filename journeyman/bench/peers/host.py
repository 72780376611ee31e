"""What the kernel says from outside: whose memory, whose processor time, who is still alive."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PREFIX = "journeyman-bench-"
_V1 = ("/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup/cpu,cpuacct")
_V2_CONTAINERS = ("/sys/fs/cgroup/docker", "/sys/fs/cgroup/system.slice")
_DAEMONS = frozenset({"dockerd", "containerd", "containerd-shim", "containerd-shim-runc-v2", "docker-proxy"})
"""They work for all containers, and start the programs that make one."""


def pids() -> list[int]:
    return [int(name) for name in os.listdir(PROC) if name.isdigit()]  # noqa: PTH208 (a glob takes three times as long)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty when there is none."""
    with suppress(OSError):
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return []


def below(parent: int) -> set[int]:
    """All live descendants of a process."""
    above = {pid: int(fields[1]) for pid in pids() if (fields := _stat(pid)) and fields[0] not in "ZX"}
    found, new = set[int](), {parent}
    while new := {pid for pid, over in above.items() if over in new}:
        found |= new
    return found


def saying(text: str) -> set[int]:
    """Live processes whose command line has this text."""
    found = set()
    for pid in pids():
        with suppress(OSError):
            words = (PROC / str(pid) / "cmdline").read_bytes()
            if text.encode() in words and pid != os.getpid() and (_stat(pid) or "Z")[0] not in "ZX":
                found.add(pid)
    return found


def inside(containers: Iterable[str]) -> set[int]:
    """The processes in these containers, by their control group."""
    wanted = tuple(containers)
    found = set()
    for pid in pids() if wanted else ():
        with suppress(OSError):
            groups = (PROC / str(pid) / "cgroup").read_text()
            if any(container in groups for container in wanted):
                found.add(pid)
    return found


def shims(containers: Iterable[str]) -> set[int]:
    """The engine's own process beside each of these containers."""
    return {pid for container in containers for pid in saying(container) if "shim" in _name(pid)}


def _name(pid: int) -> str:
    with suppress(OSError):
        return (PROC / str(pid) / "comm").read_text().strip()
    return ""


def pss_mib(processes: Iterable[int]) -> float | None:
    """Their proportional set size in MiB; None where we may not look."""
    total = 0
    for pid in processes:
        try:
            rows = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except PermissionError:
            return None
        except OSError:
            continue  # it ended
        total += sum(int(row.split()[1]) for row in rows if row.startswith("Pss:"))
    return total / 1024


class Processor:
    """Processor time of this process, of all that comes of it, and of the containers that work for it.

    Where we may make a control group, the kernel counts, the dead included; else what processes tell of themselves
    and of children that they waited for. Of the engine's containers those are counted that live at neither end of the
    time, or are our own; of its daemons all.

    Args:
        containers: the ids of our own containers; None without an engine.
    """

    def __init__(self, containers: Callable[[], set[str]] | None) -> None:
        self.group = _joined()
        self._containers = containers

    def mark(self) -> tuple[float, dict[str, float]]:
        """A moment: seconds until then, and those of other people's containers, by id."""
        if self.group:
            own = _nanoseconds(self.group) / 1e9
        else:
            used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
            own = sum(each.ru_utime + each.ru_stime for each in used) + sum(map(_ticks_s, below(os.getpid())))
        if self._containers is None:
            return own, {}
        ours = self._containers()
        groups = {group: _nanoseconds(str(group)) / 1e9 for group in _containers_group().glob("*/")}
        others = {group.name: used for group, used in groups.items() if not any(each in group.name for each in ours)}
        return own + _engine_s(), others

    def since(self, mark: tuple[float, dict[str, float]]) -> float:
        """Seconds since a moment."""
        now, others = self.mark()
        return now - mark[0] - sum(used - mark[1].get(name, 0.0) for name, used in others.items())


def _joined() -> str:
    """A new control group with this process in it; empty where none can be had."""
    lines = [row.split(":", 2) for row in (PROC / "self/cgroup").read_text().splitlines()]
    own = next((path for _, names, path in lines if "cpuacct" in names.split(",")), None)
    for top in _V1 if own is not None else ():
        group = Path(f"{top}{own}", f"{_PREFIX}{os.getpid()}")
        for left in group.parent.glob(f"{_PREFIX}*"):
            if not (PROC / left.name.removeprefix(_PREFIX)).exists():  # a worker that was killed
                with suppress(OSError):
                    left.rmdir()
        with suppress(OSError):
            group.mkdir()
            (group / "cgroup.procs").write_text("0")
            return str(group)
    return ""


def _nanoseconds(group: str) -> int:
    with suppress(OSError):
        return int(Path(group, "cpuacct.usage").read_text())
    with suppress(OSError):
        first = Path(group, "cpu.stat").read_text().split("\n", 1)[0]
        return int(first.split()[1]) * 1000
    return 0


def _ticks_s(pid: int) -> float:
    """Processor time of a process and of the children that it waited for, in seconds."""
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) * TICK_S if fields else 0.0


def _containers_group() -> Path:
    """The control group that all containers are in."""
    places = [*(Path(top, "docker") for top in _V1), *map(Path, _V2_CONTAINERS)]
    return next((place for place in places if place.is_dir()), places[0])


def _engine_s() -> float:
    group = _containers_group()
    daemons = 0.0 if "slice" in group.name else sum(_ticks_s(pid) for pid in pids() if _name(pid) in _DAEMONS)
    return _nanoseconds(str(group)) / 1e9 + daemons
