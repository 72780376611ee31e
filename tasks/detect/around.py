"""What tests need around them beside packages: a Django that is set up, the repository's own commands and plugin."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from journeyman.sandbox.remote import command_environment
from journeyman.sandbox.sandbox import WORKSPACE, Environment
from journeyman.tasks.detect.django import HELPER, HELPER_TEXT, PLAIN, VARIABLE, read_django
from journeyman.tasks.detect.facts import Facts
from journeyman.tasks.detect.places import FINDER, finder

SCRIPTS = ".scripts"
"""Folder of the commands that an installation would have made."""
_SCRIPT = """#!/usr/bin/env python
import sys

from {module} import {name}

sys.exit({call}())
"""
_POINT = re.compile(r"([A-Za-z_][\w.]*)\s*:\s*(([A-Za-z_]\w*)[\w.]*)")


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


def look_around(facts: Facts, called: str, tests: Iterable[str], sources: Iterable[str], base: str) -> Around:
    """Gather it; files that the tests need and the repository lacks are noted in `facts`."""
    found, tests = Around(), tuple(tests)
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
    if files := finder(facts.folder, facts.placed, base):
        facts.files |= files
        found.plugins.append(FINDER)
    if scripts := _scripts(facts, tests):
        facts.files |= scripts
        found.variables["PATH"] = f"{WORKSPACE}/{SCRIPTS}:{command_environment(Environment())['PATH']}"
        found.why += f"{'; ' * bool(found.why)}its own commands, of which tests speak"
    return found


def _scripts(facts: Facts, tests: Iterable[str]) -> dict[str, str]:
    """Path → text of the console scripts that begin a string in any test."""
    points = facts.entry_points.get("console_scripts", {})
    said = "\n".join((facts.folder / path).read_text(encoding="utf-8", errors="replace") for path in tests if points)
    found = {}
    for command, point in points.items():
        place = _POINT.match(point) if re.fullmatch(r"\w[\w.-]*", command) else None
        if place and re.search(rf"""['"/]{re.escape(command)}(?![\w.-])""", said):
            found[f"{SCRIPTS}/{command}"] = _SCRIPT.format(module=place[1], name=place[3], call=place[2])
    return found
