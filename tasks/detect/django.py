"""What the tests of a Django application need: the settings that its files name, or else plain ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from journeyman.tasks.detect.facts import Facts
from journeyman.tasks.detect.setup_files import literal, literals

VARIABLE = "DJANGO_SETTINGS_MODULE"
PLAIN = "django_settings_for_tests"
"""The module that holds the settings of a repository that names none."""
HELPER = "django_for_tests"
"""The module that sets Django up, and lets `pytest-django` be loaded by a conftest.py, for which it is not made."""
HELPER_TEXT = '''"""Django is set up, and what pytest-django keeps of a run is there, before any test is collected."""

import os

import django
import pytest
from pytest_django import plugin

if os.environ.get("DJANGO_SETTINGS_MODULE"):
    django.setup()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    if hasattr(plugin, "blocking_manager_key"):
        config.stash.setdefault(plugin.blocking_manager_key, plugin.DjangoDbBlocker(_ispytest=True))
    if hasattr(plugin, "report_header_key"):
        config.stash.setdefault(plugin.report_header_key, [])
'''
_NAMED = re.compile(rf"""(?:{VARIABLE}['"]?\]?\s*[,=:]\s*|--(?:ds|settings)[= ])['"]?([A-Za-z_][\w.]*)""")
_FILES = ("pytest.ini", "pyproject.toml", "setup.cfg", "tox.ini", "noxfile.py", "Makefile", "setup.py")
_USUAL = ("tests.settings", "test_settings", "tests.test_settings", "settings")
_BASES = ("", "src", "tests", "test")
_DEFAULTS = {
    "SECRET_KEY": "for tests alone",
    "USE_TZ": True,
    "ALLOWED_HOSTS": ["*"],
    "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
}
_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages"]


@dataclass(frozen=True, slots=True)
class Django:
    """How Django is set up before the tests are."""

    settings: str = ""
    """The module of its settings; empty where a conftest.py or the tests themselves give them."""
    base: str = ""
    """The folder that it is imported from."""
    values: dict[str, Any] = field(default_factory=dict)
    """What `PLAIN` holds, where that is the module."""
    where: str = ""


def read_django(facts: Facts, tests: Iterable[str], sources: Iterable[str]) -> Django | None:
    """How; None where the tests are none of a Django application."""
    tests = tuple(tests)
    about = "django" in str(facts.get("name")).lower() or "django" in _runtime(facts)
    if not about or not any(re.search(r"^\s*(from|import) django\b", facts.text(path), re.MULTILINE) for path in tests):
        return None
    scripts = [path.relative_to(facts.folder).as_posix() for path in sorted(facts.folder.glob("*.py"))]
    scripts += [path.relative_to(facts.folder).as_posix() for path in sorted(facts.folder.glob("*/*manage*.py"))]
    shared = [path.relative_to(facts.folder).as_posix() for path in sorted(facts.folder.rglob("conftest.py"))]
    for place in dict.fromkeys((*_FILES, *scripts, *shared)):
        for module in _NAMED.findall(facts.text(place)):
            if (base := _base(facts, module)) is not None:
                return Django(module, base, where=place)
    for module in _USUAL:
        if (base := _base(facts, module)) is not None:
            return Django(module, base, where="found there")
    if any("settings.configure(" in facts.text(path) for path in (*shared, *tests)):
        return Django(where="the tests set it up themselves")
    given = next((found for script in scripts if (found := configured(facts, script))), {})
    apps = given.pop("INSTALLED_APPS", None) or [*_APPS, *_own_apps(facts, sources)]
    why = "a script that runs its tests" if given else "assumed: no file names any"
    return Django(PLAIN, values={**_DEFAULTS, **given, "INSTALLED_APPS": apps}, where=why)


def _runtime(facts: Facts) -> set[str]:
    found: set[str] = set()
    for line in (line for need in facts.needs if need.kind == "runtime" for line in need.lines):
        try:
            found.add(canonicalize_name(Requirement(line).name))
        except InvalidRequirement:
            continue
    return found


def _base(facts: Facts, module: str) -> str | None:
    """The folder from which one of the repository's own modules is imported; None where there is no such module."""
    place = module.replace(".", "/")
    for base in _BASES:
        if any((facts.folder / base / f"{place}{end}").is_file() for end in (".py", "/__init__.py")):
            return base
    return None


def configured(facts: Facts, script: str) -> dict[str, Any]:
    """The settings that a script gives to `settings.configure(…)`, as far as they are written out."""
    if "settings.configure(" not in facts.text(script) or (tree := facts.module(script)) is None:
        return {}
    found: dict[str, Any] = {}
    known = literals(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            known = literals(node, known)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "configure":
            for word in node.keywords:
                value = literal(word.value, known)
                found |= {word.arg: value} if word.arg else value if isinstance(value, dict) else {}
    return {key: value for key, value in found.items() if key.isupper() and value is not None}


def _own_apps(facts: Facts, sources: Iterable[str]) -> tuple[str, ...]:
    """The packages at the top, and those below that have models or an application's settings."""
    base, found = str(facts.get("base") or ""), dict[str, None]()
    for path in sources:
        inner = path.removeprefix(f"{base}/") if base else path.removeprefix("src/")
        parts = PurePosixPath(inner).parts
        if parts[-1] in ("models.py", "apps.py") or (parts[-1] == "__init__.py" and len(parts) == 2):
            found[".".join(parts[:-1])] = None
    return tuple(name for name in found if name)
