"""What is read of a repository that is not Python's."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reading:
    """A repository's code and tests, and what they need."""

    manifest: str
    """The file that names the language."""
    tests: tuple[str, ...]
    sources: tuple[str, ...]
    how_tests: str
    """How test files are told, in a few words."""
    wishes: dict[str, str] = field(default_factory=dict)
    """Packages that must be installed → their range of versions."""
