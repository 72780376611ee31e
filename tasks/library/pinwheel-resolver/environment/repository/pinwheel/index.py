"""Which packages, versions and dependencies there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pinwheel.errors import UnknownPackageError
from pinwheel.names import normalize_name
from pinwheel.requirements import Requirement
from pinwheel.versions import Version


class Index:
    """Made from {package: {version: [requirement, …]}}; names may be spelled in any way."""

    def __init__(self, packages: Mapping[str, Mapping[str, Iterable[str]]]) -> None:
        self._packages = {
            normalize_name(name): {
                Version.parse(version): tuple(Requirement.parse(text) for text in requirements)
                for version, requirements in versions.items()
            }
            for name, versions in packages.items()
        }

    def __contains__(self, name: str) -> bool:
        return normalize_name(name) in self._packages

    def versions(self, name: str) -> list[Version]:
        """Newest first.

        Raises:
            UnknownPackageError: there is no such package.
        """
        return sorted(self._versions(name), reverse=True)

    def dependencies(self, name: str, version: Version) -> tuple[Requirement, ...]:
        """As they stand in the index.

        Raises:
            UnknownPackageError: there is no such package.
            KeyError: it has no such version.
        """
        return self._versions(name)[version]

    def _versions(self, name: str) -> dict[Version, tuple[Requirement, ...]]:
        try:
            return self._packages[normalize_name(name)]
        except KeyError:
            raise UnknownPackageError(f"the index has no package {name!r}") from None
