"""The search for one version of everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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
    raise NotImplementedError
