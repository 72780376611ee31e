"""A command's time is for work: while it stands ready and the machine has no processor for it, its clock stands.

Otherwise a busy machine decides what is solved. A command that crowds itself out gains time as well, so there is a
bound.
"""

# ruff: noqa: PTH123, PTH208, RUF100
# (pathlib costs start-up time; and started by the launcher this package is called `inside`)
from __future__ import annotations

import os

MOST = 2.0
"""Times its own limit that a command gets on top of it, at the most."""


def longest(limit_s: float) -> float:
    """The most that a command with this limit may take, in seconds."""
    return limit_s * (1 + MOST)


def patience(limit_s: float, proc: str = "/proc") -> float:
    """How much longer than its limit the command may take, in seconds, for what it has waited until now."""
    return min(_waited_s(proc), MOST * limit_s)


def _waited_s(proc: str) -> float:
    """For how long the living processes of this pid namespace but ourselves stood ready and did not run, in seconds.
    0 where the kernel does not count it."""
    nanoseconds = 0
    for name in os.listdir(proc):
        if name.isdigit() and int(name) != os.getpid():
            nanoseconds += _waited_ns(f"{proc}/{name}/task")
    return nanoseconds / 1e9


def _waited_ns(tasks: str) -> int:
    """Of one process, all threads together. See `Documentation/scheduler/sched-stats.rst` in the kernel."""
    try:
        names = os.listdir(tasks)
    except OSError:  # it has ended
        return 0
    total = 0
    for name in names:
        try:
            with open(f"{tasks}/{name}/schedstat") as file:
                total += int(file.read().split()[1])
        except (OSError, IndexError, ValueError):
            continue
    return total
