"""Which of the requirements that a repository mentions its tests need."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from journeyman.tasks.detect.facts import Facts, Need

PYTEST = "pytest==8.3.5"
NO_TEST_TOOLS = re.compile(
    r"^(mypy|ruff|black|flake8.*|pylint.*|isort|pre-commit|sphinx.*|furo|myst-.*|mkdocs.*|twine|build|tox.*|nox|bump.*"
    r"|coverage|coveralls|codecov|pytest-(cov|xdist|randomly|sugar|timeout|rerunfailures|html|black|flake8|mypy|pycodestyle"
    r"|checkdocs|enabler|ruff|perf|codspeed|memray|instafail|github-.*)|jaraco-(packaging|tidelift)|rst-linker|wheel"
    r"|setuptools.*|pip.*|poetry.*|hatch.*|uv|pyright|basedpyright|types-.*|bandit|codespell|commitizen|towncrier"
    r"|ipython|jupyter.*|pyupgrade|autoflake|pydocstyle|interrogate|nose|nose2|green|pytest|check-manifest|pyroma)$"
)
"""Tools that judge, build or document the code; pytest itself is of one version for all tasks."""
KNOWN_IMPORTS = {
    # Modules that tests import, often unsaid, and the package that has them: no other name is ever guessed.
    "aiohttp": "aiohttp", "asgiref": "asgiref", "attr": "attrs", "attrs": "attrs", "bs4": "beautifulsoup4",
    "click": "click", "cryptography": "cryptography", "dateutil": "python-dateutil", "ddt": "ddt",
    "dirty_equals": "dirty-equals", "django": "Django", "docutils": "docutils", "dotenv": "python-dotenv",
    "flask": "Flask", "freezegun": "freezegun", "html5lib": "html5lib", "httpx": "httpx", "hypothesis": "hypothesis",
    "jinja2": "Jinja2", "jsonschema": "jsonschema", "jwt": "PyJWT", "lxml": "lxml", "markdown": "Markdown",
    "mock": "mock", "networkx": "networkx", "nose": "pynose", "numpy": "numpy", "packaging": "packaging",
    "pandas": "pandas", "parameterized": "parameterized", "PIL": "Pillow", "pkg_resources": "setuptools<81",
    "psutil": "psutil", "pydantic": "pydantic", "pygments": "Pygments", "pytest_asyncio": "pytest-asyncio",
    "pytest_mock": "pytest-mock", "pytest_regressions": "pytest-regressions", "pytest_subtests": "pytest-subtests",
    "pytz": "pytz", "requests": "requests", "requests_mock": "requests-mock", "responses": "responses",
    "respx": "respx", "setuptools": "setuptools<81", "simplejson": "simplejson", "six": "six",
    "sortedcontainers": "sortedcontainers", "sqlalchemy": "SQLAlchemy", "syrupy": "syrupy",
    "testfixtures": "testfixtures", "toml": "toml",
    "tomli": "tomli", "tornado": "tornado", "trio": "trio", "typing_extensions": "typing-extensions",
    "tzdata": "tzdata", "vcr": "vcrpy", "werkzeug": "Werkzeug", "yaml": "PyYAML", "zope": "zope.interface",
}  # fmt: skip
_OF_TESTS = frozenset({"test", "tests", "testing"})
"""Folders of these names hold tests and what they share."""
KNOWN_FIXTURES = {"mocker": "pytest-mock", "subtests": "pytest-subtests", "benchmark": "pytest-benchmark"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Requirement lines, with the places that they were read from."""

    lines: tuple[str, ...]
    places: tuple[str, ...]
    notes: tuple[str, ...] = ()


def choose(facts: Facts, python: str) -> Wanted:
    """pytest, what the code needs (as the place says that binds most), and what its tests need."""
    runtime = [need for need in facts.needs if need.kind == "runtime"][:1]
    tests = [need for need in facts.needs if need.kind == "test"]
    if not tests:
        tests = [need for need in facts.needs if need.kind == "dev"]
    lines: dict[str, str] = {}
    notes: list[str] = []
    for need in (*runtime, *tests):
        for line in _usable(need, python, facts.get("name"), notes):
            lines.setdefault(canonicalize_name(Requirement(line).name), line)
    lines.pop("pytest", None)
    return Wanted((PYTEST, *lines.values()), tuple(need.where for need in (*runtime, *tests)), tuple(notes))


def _usable(need: Need, python: str, own: str, notes: list[str]) -> Iterator[str]:
    for line in need.lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            notes.append(f"{need.where}: {line!r} is no plain requirement and was left out")
            continue
        name = canonicalize_name(requirement.name)
        if name == canonicalize_name(own or "-") or (NO_TEST_TOOLS.match(name) and need.kind != "runtime"):
            continue
        if requirement.url:
            notes.append(f"{need.where}: {name} comes from {requirement.url}, not from the package index; left out")
        elif _applies(requirement, python):
            requirement.marker = None
            yield str(requirement)


def _applies(requirement: Requirement, python: str) -> bool:
    if requirement.marker is None:
        return True
    try:
        return requirement.marker.evaluate(
            {"python_version": python, "python_full_version": f"{python}.99", "extra": ""}
        )
    except UndefinedEnvironmentName:
        return False


def unsaid(facts: Facts, tests: Iterable[str], said: Iterable[str]) -> tuple[str, ...]:
    """What tests import, or whose fixtures they ask for, beside what they are said to need: well-known packages, and
    those that the repository names for another purpose.
    """
    folder, packages = facts.folder, _mentioned(facts) | KNOWN_IMPORTS
    known = {canonicalize_name(Requirement(line).name) for line in said}
    found: dict[str, str] = {}
    for name in dict.fromkeys((*tests, *_helpers(folder))):
        try:
            tree = ast.parse((folder / name).read_bytes())
        except (SyntaxError, ValueError, RecursionError, OSError):
            continue
        for module in _imports(tree):
            if module in packages and module not in sys.stdlib_module_names and not _is_local(folder, name, module):
                found.setdefault(canonicalize_name(Requirement(packages[module]).name), packages[module])
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for argument in node.args.args:
                    if argument.arg in KNOWN_FIXTURES:
                        found.setdefault(KNOWN_FIXTURES[argument.arg], KNOWN_FIXTURES[argument.arg])
    return tuple(line for name, line in found.items() if name not in known)


def _mentioned(facts: Facts) -> dict[str, str]:
    """Module → the requirement of that name in any of the repository's groups."""
    found: dict[str, str] = {}
    for line in (line for need in facts.needs for line in need.lines):
        with suppress(InvalidRequirement):
            requirement = Requirement(line)
            if requirement.url is None:
                requirement.marker = None
                found.setdefault(canonicalize_name(requirement.name).replace("-", "_"), str(requirement))
    found.pop(canonicalize_name(facts.get("name") or "-").replace("-", "_"), None)
    return found


def _helpers(folder: Path) -> Iterator[str]:
    """What tests share: conftest.py, and the modules in folders that hold tests alone."""
    for path in sorted(folder.rglob("*.py")):
        inner = path.relative_to(folder)
        if inner.name == "conftest.py" or _OF_TESTS & set(inner.parts[:-1]):
            yield inner.as_posix()


def _is_local(folder: Path, test: str, module: str) -> bool:
    places = (folder, folder / "src", (folder / PurePosixPath(test)).parent)
    return any((place / module).is_dir() or (place / f"{module}.py").is_file() for place in places)


def _imports(tree: ast.Module) -> Iterator[str]:
    """Top-level names of the modules that a file imports where it begins (not in a function, nor if it may fail)."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
