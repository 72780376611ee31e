"""What tests need around them beside packages: a Django that is set up, the repository's own pytest plugin."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from journeyman.tasks.detect.django import HELPER, HELPER_TEXT, PLAIN, VARIABLE, read_django
from journeyman.tasks.detect.facts import Facts


@dataclass(slots=True)
class Around:
    """What is added to a setup."""

    requirements: list[str] = field(default_factory=list)
    plugins: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    """Importable ones."""
    why: str = ""
    """Where the variables come from."""


def look_around(facts: Facts, called: str, tests: Iterable[str], sources: Iterable[str]) -> Around:
    """Gather it; files that the tests need and the repository lacks are noted in `facts`."""
    found = Around()
    if mode := re.search(r"--asyncio-mode[= ](\w+)", facts.settings.get("addopts", "")):
        facts.settings.setdefault("asyncio_mode", mode[1])
    if points := facts.entry_points.get("pytest11"):
        # Its own tests start pytest anew in this process, where no plugin is loaded unless this variable names it.
        found.plugins.append(called)
        found.variables["PYTEST_PLUGINS"] = ",".join(points.values())
        found.why = "its own pytest plugin"
    if django := read_django(facts, tests, sources):
        found.requirements += ["Django", "pytest-django"]
        found.plugins += [HELPER, "pytest-django"]
        facts.files[f"{HELPER}.py"] = HELPER_TEXT
        if django.settings:
            found.variables[VARIABLE] = django.settings
            found.folders += [django.base] if django.base else []
            found.why = f"Django: {django.where}"
        if django.settings == PLAIN:
            facts.files[f"{PLAIN}.py"] = "".join(f"{key} = {value!r}\n" for key, value in django.values.items())
    return found
