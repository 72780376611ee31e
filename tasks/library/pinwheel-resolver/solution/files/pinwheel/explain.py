"""Why a package is there."""

from __future__ import annotations

from collections.abc import Iterator

from pinwheel.names import normalize_name
from pinwheel.requirements import Requirement
from pinwheel.resolve import Resolution


def why(resolution: Resolution, name: str) -> list[tuple[str, ...]]:
    name = normalize_name(name)
    if name not in resolution.pins:
        raise KeyError(name)
    chains = {(edge.requirement.name,) for edge in resolution.edges if edge.source is None}
    while not any(chain[-1] == name for chain in chains):
        chains = {
            (*chain, edge.requirement.name)
            for chain in chains
            for edge in resolution.edges
            if edge.source == chain[-1] and edge.requirement.name not in chain
        }
    return sorted(chain for chain in chains if chain[-1] == name)


def render_tree(resolution: Resolution) -> str:
    expanded: set[str] = set()

    def rows(requirement: Requirement, depth: int) -> Iterator[str]:
        name = requirement.name
        row = f"{'  ' * depth}{name} {resolution.pins[name]} [{str(requirement.specifiers) or 'any'}]"
        children = [edge.requirement for edge in resolution.edges if edge.source == name]
        if children and name in expanded:
            yield f"{row} (*)"
            return
        expanded.add(name)
        yield row
        for child in children:
            yield from rows(child, depth + 1)

    roots = [edge.requirement for edge in resolution.edges if edge.source is None]
    return "\n".join(row for root in roots for row in rows(root, 0))
