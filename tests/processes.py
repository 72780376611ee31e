"""Looking at processes from outside."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def eventually(condition: Callable[[], bool], within_s: float = 10.0) -> bool:
    """Whether it becomes true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def hears_ctrl_c() -> None:
    """For `preexec_fn`: a shell starts what runs in its background with the signal ignored, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def below(parent: int) -> set[int]:
    """All live descendants of a process."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, above = stat.read_text().rpartition(")")[2].split()[:2]
            if state not in "ZX":
                parents[int(stat.parent.name)] = int(above)
    found, new = set[int](), {parent}
    while new:
        new = {pid for pid, above in parents.items() if above in new}
        found |= new
    return found
