"""The search for one version of everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pinwheel.errors import ResolutionError, UnknownPackageError
from pinwheel.index import Index
from pinwheel.requirements import Requirement
from pinwheel.versions import Version


@dataclass(frozen=True)
class Edge:
    """One requirement and who has it."""

    source: str | None
    """Package that requires; None for the project itself."""
    requirement: Requirement


@dataclass(frozen=True)
class Resolution:
    """One version of everything that is needed."""

    pins: Mapping[str, Version]
    """By package name, in alphabetical order."""
    edges: tuple[Edge, ...]
    """The project's requirements as they were given, then those of each pinned package, packages in alphabetical order."""


def resolve(index: Index, requirements: Iterable[str]) -> Resolution:
    roots = tuple(Requirement.parse(text) for text in requirements)
    for root in roots:
        if root.name not in index:
            raise UnknownPackageError(f"the index has no package {root.name!r}")
    pins = _search(index, {}, roots)
    if pins is None:
        raise ResolutionError("no choice of versions satisfies: " + "; ".join(map(str, roots)))
    pins = dict(sorted(pins.items()))
    edges = [Edge(None, root) for root in roots]
    for name, version in pins.items():
        edges += [Edge(name, requirement) for requirement in index.dependencies(name, version)]
    return Resolution(pins, tuple(edges))


def _search(
    index: Index, pins: dict[str, Version], known: tuple[Requirement, ...]
) -> dict[str, Version] | None:
    """Complete `pins` so that all `known` requirements hold, or None. `known` is in the order of discovery."""
    undecided = next((requirement.name for requirement in known if requirement.name not in pins), None)
    if undecided is None:
        return pins
    for version in _candidates(index, undecided, known):
        now_pinned = {**pins, undecided: version}
        new = index.dependencies(undecided, version)
        if all(_may_hold(requirement, now_pinned, index) for requirement in new):
            found = _search(index, now_pinned, known + new)
            if found is not None:
                return found
    return None


def _candidates(index: Index, name: str, known: tuple[Requirement, ...]) -> list[Version]:
    wanted = [requirement.specifiers for requirement in known if requirement.name == name]
    return [version for version in index.versions(name) if all(set_.contains(version) for set_ in wanted)]


def _may_hold(requirement: Requirement, pins: Mapping[str, Version], index: Index) -> bool:
    if requirement.name in pins:
        return requirement.specifiers.contains(pins[requirement.name])
    return requirement.name in index
