"""A repository's files as a tree, for the terminal and for pages: folders first, and of many files the first ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MOST_FILES = 20
"""Of one folder that are shown."""


@dataclass(slots=True)
class Folder:
    """What is in a folder, by own names, in the order in which it was given."""

    folders: dict[str, Folder] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the tree."""

    text: str
    depth: int
    path: str
    """Of a file, from the root; empty for a folder, and for the line that says how many files are left out."""


def rows(files: Iterable[str]) -> Iterator[Row]:
    """The tree of files that are given by their paths from the root."""
    root = Folder()
    for path in files:
        *above, name = path.split("/")
        folder = root
        for part in above:
            folder = folder.folders.setdefault(part, Folder())
        folder.files.append(name)
    yield from _rows(root, "")


def _rows(folder: Folder, path: str) -> Iterator[Row]:
    depth = path.count("/")
    for name, inner in folder.folders.items():
        yield Row(f"{name}/", depth, "")
        yield from _rows(inner, f"{path}{name}/")
    for name in folder.files[:MOST_FILES]:
        yield Row(name, depth, f"{path}{name}")
    if len(folder.files) > MOST_FILES:
        yield Row(f"… and {len(folder.files) - MOST_FILES} more", depth, "")
