"""What to install first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pinwheel.errors import CycleError


def install_batches(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    waiting = {name: set(dependencies) for name, dependencies in graph.items()}
    for name in set().union(*waiting.values()):
        waiting.setdefault(name, set())
    batches: list[list[str]] = []
    while waiting:
        batch = sorted(name for name, dependencies in waiting.items() if not dependencies & waiting.keys())
        if not batch:
            raise CycleError(_find_cycle(waiting))
        batches.append(batch)
        for name in batch:
            del waiting[name]
    return batches


def _find_cycle(waiting: Mapping[str, set[str]]) -> list[str]:
    """One cycle, beginning with its smallest name; everything that waits leads into a cycle."""
    path = [min(waiting)]
    while True:
        following = min(waiting[path[-1]] & waiting.keys())
        if following in path:
            cycle = path[path.index(following) :]
            first = cycle.index(min(cycle))
            return cycle[first:] + cycle[:first]
        path.append(following)
