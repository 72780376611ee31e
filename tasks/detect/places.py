"""Packages that stand in folders of other names, as build settings place them: what makes them importable unbuilt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

FINDER, AT_START = "package_places", "sitecustomize.py"
"""The module that finds such packages, and the file that has every Python load it."""
_FINDER = '''"""Packages stand where the build settings place them."""

import os
import sys
from importlib.util import spec_from_file_location

HERE = os.path.dirname(os.path.abspath(__file__))
PLACES = {places!r}


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        place = os.path.join(HERE, PLACES[name]) if name in PLACES else ""
        file = os.path.join(place, "__init__.py")
        if place and os.path.isfile(file):
            return spec_from_file_location(name, file, submodule_search_locations=[place])


sys.meta_path.insert(0, Finder)
'''


def finder(folder: Path, placed: Mapping[str, str], base: str) -> dict[str, str]:
    """Path → text of the files that find packages which do not stand where their name says.

    Args:
        placed: package → folder, as build settings have it; those that are not there, or lead elsewhere, are no matter.
        base: the folder that is importable.
    """
    places = {}
    for name, place in placed.items():
        pure = PurePosixPath(place)
        strange = pure.is_absolute() or ".." in pure.parts or not all(map(str.isidentifier, name.split(".")))
        if not strange and pure != PurePosixPath(base, *name.split(".")) and (folder / pure / "__init__.py").is_file():
            places[name] = pure.as_posix()
    if not places:
        return {}
    return {f"{FINDER}.py": _FINDER.format(places=places), AT_START: f"import {FINDER}\n"}
