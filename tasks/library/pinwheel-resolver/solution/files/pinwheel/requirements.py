"""Which versions of which package: "name >=1.2,<2"."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass

from pinwheel.errors import SpecifierError, VersionError
from pinwheel.names import normalize_name
from pinwheel.versions import Version

_CLAUSE = re.compile(r"\s*(?P<operator>==|!=|<=|>=|~=|<|>)\s*(?P<version>[^\s*]+?)(?P<wildcard>\.\*)?\s*")
_REQUIREMENT = re.compile(r"\s*(?P<name>[A-Za-z0-9._-]+)\s*(?P<specifiers>[=!<>~].*)?", re.DOTALL)
_COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True)
class _Clause:
    operator: str
    version: Version
    wildcard: bool

    @classmethod
    def parse(cls, text: str) -> _Clause:
        match = _CLAUSE.fullmatch(text)
        if match is None:
            raise SpecifierError(f"not a specifier: {text.strip()!r}")
        try:
            version = Version.parse(match["version"])
        except VersionError as error:
            raise SpecifierError(f"{text.strip()!r}: {error}") from None
        clause = cls(match["operator"], version, match["wildcard"] is not None)
        if clause.wildcard and (clause.operator not in ("==", "!=") or version.is_prerelease):
            raise SpecifierError(f"'.*' goes with == and != and a final version: {text.strip()!r}")
        if clause.operator == "~=" and len(version.release) < 2:
            raise SpecifierError(f"~= needs at least two numbers: {text.strip()!r}")
        return clause

    def admits(self, version: Version) -> bool:
        if self.operator == "~=":
            return version >= self.version and _has_prefix(version, self.version.release[:-1])
        if self.wildcard:
            return _has_prefix(version, self.version.release) is (self.operator == "==")
        return bool(_COMPARISONS[self.operator](version, self.version))

    def __str__(self) -> str:
        return f"{self.operator}{self.version}{'.*' if self.wildcard else ''}"


def _has_prefix(version: Version, prefix: tuple[int, ...]) -> bool:
    padded = version.release + (0,) * len(prefix)
    return padded[: len(prefix)] == prefix


@dataclass(frozen=True)
class SpecifierSet:
    clauses: tuple[_Clause, ...] = ()

    @classmethod
    def parse(cls, text: str) -> SpecifierSet:
        if not text.strip():
            return cls()
        return cls(tuple(_Clause.parse(part) for part in text.split(",")))

    def contains(self, version: Version) -> bool:
        if version.is_prerelease and not any(clause.version.is_prerelease for clause in self.clauses):
            return False
        return all(clause.admits(version) for clause in self.clauses)

    def __str__(self) -> str:
        return ",".join(map(str, self.clauses))


@dataclass(frozen=True)
class Requirement:
    name: str
    specifiers: SpecifierSet = SpecifierSet()

    @classmethod
    def parse(cls, text: str) -> Requirement:
        match = _REQUIREMENT.fullmatch(text)
        if match is None:
            raise SpecifierError(f"not a requirement: {text!r}")
        try:
            name = normalize_name(match["name"])
        except ValueError as error:
            raise SpecifierError(str(error)) from None
        return cls(name, SpecifierSet.parse(match["specifiers"] or ""))

    def __str__(self) -> str:
        return f"{self.name} {self.specifiers}".rstrip()
