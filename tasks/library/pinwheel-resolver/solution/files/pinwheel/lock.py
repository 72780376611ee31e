"""Write, read and check a lock file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pinwheel.errors import LockError
from pinwheel.index import Index
from pinwheel.names import normalize_name
from pinwheel.order import install_batches
from pinwheel.requirements import Requirement
from pinwheel.resolve import Resolution
from pinwheel.versions import Version

HEADER = "# pinwheel lock 1"
_PIN = re.compile(r"(?P<name>[^\s=#]+)==(?P<version>[^\s=#]+)\s*(?:#.*)?")


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with a lock."""

    name: str
    """The package."""
    reason: str
    """"missing", "unavailable", "mismatch" or "unused"."""


def write_lock(resolution: Resolution) -> str:
    graph: dict[str, set[str]] = {name: set() for name in resolution.pins}
    via: dict[str, set[str]] = {name: set() for name in resolution.pins}
    for edge in resolution.edges:
        via[edge.requirement.name].add(edge.source or "(project)")
        if edge.source is not None:
            graph[edge.source].add(edge.requirement.name)
    lines = [HEADER]
    for batch in install_batches(graph):
        lines += [f"{name}=={resolution.pins[name]}  # via {', '.join(sorted(via[name]))}" for name in batch]
    return "\n".join(lines) + "\n"


def read_lock(text: str) -> dict[str, Version]:
    lines = text.splitlines()
    if not lines or lines[0].strip() != HEADER:
        raise LockError(f"line 1: expected {HEADER!r}")
    pins: dict[str, Version] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _PIN.fullmatch(line.strip())
        if match is None:
            raise LockError(f"line {number}: expected NAME==VERSION, got {line.strip()!r}")
        try:
            name, version = normalize_name(match["name"]), Version.parse(match["version"])
        except ValueError as error:
            raise LockError(f"line {number}: {error}") from None
        if name in pins:
            raise LockError(f"line {number}: {name} is pinned twice")
        pins[name] = version
    return pins


def check_lock(pins: Mapping[str, Version], index: Index, requirements: Iterable[str]) -> list[Problem]:
    problems: set[Problem] = set()
    reached: set[str] = set()
    waiting = [Requirement.parse(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        name = requirement.name
        if name not in pins:
            problems.add(Problem(name, "missing"))
            continue
        if not requirement.specifiers.contains(pins[name]):
            problems.add(Problem(name, "mismatch"))
        if name in reached:
            continue
        reached.add(name)
        if name in index and pins[name] in index.versions(name):
            waiting += index.dependencies(name, pins[name])
        else:
            problems.add(Problem(name, "unavailable"))
    problems |= {Problem(name, "unused") for name in pins if name not in reached}
    return sorted(problems)
