"""Clears what a killed supervisor left in the engine.

Ordinarily nothing is left: a container's helper ends with the stream to its owner, and the engine then removes the
container. Should a helper hang, the container stays; so each one carries a label that says which process owns it, and
whoever makes the next sandbox on this machine removes those whose owner is dead. Containers of other machines that
share the engine, and of other pid namespaces, cannot be judged from here and are left alone.
"""

from __future__ import annotations

import contextlib
import os
from functools import cache
from pathlib import Path

from journeyman.sandbox.docker_engine import Engine, EngineError

LABEL = "journeyman.owner"


def owner() -> str:
    """This process, told apart from every other one: machine boot, pid namespace, pid, start time."""
    return f"{_place()} {os.getpid()} {_started(os.getpid())}"


@cache
def _place() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def _started(pid: int) -> str:
    """Start time of a process in clock ticks since boot; empty when there is none, or it has ended."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, started = after_name[0], after_name[19]
    return "" if state in "ZX" else started


def is_orphan(label: str) -> bool:
    """Whether the owner that a label names lived in this very place and is dead."""
    place, _, process = label.rpartition("] ")
    pid, _, started = process.partition(" ")
    return f"{place}]" == _place() and pid.isdigit() and _started(int(pid)) != started


def reap(engine: Engine) -> list[str]:
    """Remove every container whose owner is dead; returns their ids."""
    orphans = [container for container, label in engine.labelled(LABEL).items() if is_orphan(label)]
    for container in orphans:
        with contextlib.suppress(EngineError):  # another process reaps the same one, or the engine is at its end
            engine.remove(container)
    return orphans
