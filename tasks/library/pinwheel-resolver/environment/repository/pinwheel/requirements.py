"""Which versions of which package: "name >=1.2,<2"."""

from __future__ import annotations

from dataclasses import dataclass

from pinwheel.versions import Version


@dataclass(frozen=True)
class SpecifierSet:
    clauses: tuple[object, ...] = ()

    @classmethod
    def parse(cls, text: str) -> SpecifierSet:
        raise NotImplementedError

    def contains(self, version: Version) -> bool:
        raise NotImplementedError


@dataclass(frozen=True)
class Requirement:
    name: str
    specifiers: SpecifierSet = SpecifierSet()

    @classmethod
    def parse(cls, text: str) -> Requirement:
        raise NotImplementedError
