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
from journeyman.tasks.detect.known import KNOWN_FIXTURES, KNOWN_IMPORTS, KNOWN_MARKS

PYTEST = "pytest==8.3.5"
NO_TEST_TOOLS = re.compile(
    r"^(mypy|ruff|black|flake8.*|pylint.*|isort|pre-commit|sphinx.*|furo|myst-.*|mkdocs.*|twine|build|tox.*|nox|bump.*"
    r"|coverage|coveralls|codecov|pytest-(cov|xdist|randomly|sugar|timeout|rerunfailures|html|black|flake8|mypy|pycodestyle"
    r"|checkdocs|enabler|ruff|perf|codspeed|memray|instafail|github-.*)|jaraco-(packaging|tidelift)|rst-linker|wheel"
    r"|setuptools.*|pip.*|poetry.*|hatch.*|uv|pyright|basedpyright|types-.*|bandit|codespell|commitizen|towncrier"
    r"|ipython|jupyter.*|pyupgrade|autoflake|pydocstyle|interrogate|nose|nose2|green|pytest|check-manifest|pyroma)$"
)
"""Tools that judge, build or document the code; pytest itself is of one version for all tasks."""
_AFFIX = re.compile(r"^(python|py|django|pytest)-|-(python|py|cffi|binary|client)$")
"""What a package's name has more than that of its module, at times."""
_NO_CODE = re.compile(r"doc|lint|typ(e|ing)|format|release|publish|bench|build|style|quality|check", re.IGNORECASE)
"""Groups of requirements that no test needs."""
_OF_TESTS = frozenset({"test", "tests", "testing"})
"""Folders of these names hold tests and what they share."""


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
            lines.setdefault(name_of(line), line)
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


def unsaid(facts: Facts, tests: Iterable[str], needed: Iterable[str], said: Iterable[str]) -> tuple[str, ...]:
    """What tests import, mark or take as fixtures, beside what they are said to need: well-known packages, and those
    that the repository names for another purpose.

    Args:
        needed: requirements that are known already; those of them that are in `said` are not told again.
    """
    packages = _packages(facts)
    found: dict[str, str] = {canonicalize_name(line): line for line in needed}
    defined: set[str] = set()
    taken: dict[str, str] = {}
    for name in dict.fromkeys((*tests, *_helpers(facts.folder))):
        try:
            tree = ast.parse((facts.folder / name).read_bytes())
        except (SyntaxError, ValueError, RecursionError, OSError):
            continue
        for module in _imports(tree):
            known = _known(module, packages)
            if known and not _is_local(facts.folder, name, known.replace(".", "/")):
                found.setdefault(name_of(packages[known]), packages[known])
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                defined.add(node.name)
                taken |= {each.arg: KNOWN_FIXTURES[each.arg] for each in node.args.args if each.arg in KNOWN_FIXTURES}
            elif mark := _mark(node):
                found.setdefault(KNOWN_MARKS[mark], KNOWN_MARKS[mark])
    found |= {str(canonicalize_name(line)): line for fixture, line in taken.items() if fixture not in defined}
    there = {name_of(line) for line in said}
    return tuple(line for name, line in found.items() if name not in there)


def _mark(node: ast.AST) -> str:
    """The known mark that an expression is (`pytest.mark.NAME`); else empty."""
    inner = node.value if isinstance(node, ast.Attribute) else None
    found = node.attr if isinstance(node, ast.Attribute) and isinstance(inner, ast.Attribute) else ""
    return found if found in KNOWN_MARKS and isinstance(inner, ast.Attribute) and inner.attr == "mark" else ""


def missed(facts: Facts, missing: Iterable[str], python: str) -> tuple[str, ...]:
    """The requirements of what was missing when the tests ran, as `missing_in` gives it."""
    packages, missing = _packages(facts), tuple(missing)
    lines = [packages[known] for module in missing if (known := _known(module, packages))]
    for need in facts.needs:
        if f"[{need.name}]" in missing:
            lines += _usable(need, python, facts.get("name"), [])
    return tuple(dict.fromkeys(lines))


def all_named(facts: Facts, python: str) -> tuple[str, ...]:
    """All that a repository names for any purpose, but for what only documents, judges or publishes it."""
    needs = (need for need in facts.needs if not _NO_CODE.search(need.name))
    return tuple(dict.fromkeys(line for need in needs for line in _usable(need, python, facts.get("name"), [])))


def name_of(line: str) -> str:
    """The package that a requirement's line names, as indexes compare it."""
    return canonicalize_name(Requirement(line).name)


def missing_in(text: str) -> Iterator[str]:
    """The modules that a message says are missing, or lack a name, and, in brackets, the extras that it asks for."""
    yield from re.findall(r"No module named ['\"]?([A-Za-z_][\w.]*)", text)
    for name, module in re.findall(r"cannot import name '(\w+)' from '([A-Za-z_][\w.]*)' \(/opt/env/", text):
        yield f"{module}.{name}"
    for extras in re.findall(r"pip install ['\"]?[A-Za-z0-9][\w.-]*\[([\w, -]+)\]", text):
        yield from (f"[{extra.strip()}]" for extra in extras.split(","))


def _known(module: str, packages: dict[str, str]) -> str:
    """The longest part of a dotted name that is a package's; empty where none is, or it is the standard library's."""
    parts = module.split(".")
    if parts[0] in sys.stdlib_module_names:
        return ""
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((each for each in names if each in packages), "")


def _packages(facts: Facts) -> dict[str, str]:
    """Module → the requirement that has it: as the repository names it for any purpose, or else a well-known one."""
    named: dict[str, str] = {}
    for line in (line for need in facts.needs for line in need.lines):
        with suppress(InvalidRequirement):
            requirement = Requirement(line)
            if requirement.url is None:
                requirement.marker = None
                named.setdefault(canonicalize_name(requirement.name), str(requirement))
    own = canonicalize_name(facts.get("name") or "-")
    named.pop(own, None)
    found = {
        module: named.get(canonicalize_name(Requirement(line).name), line)
        for module, line in KNOWN_IMPORTS.items()
        if canonicalize_name(Requirement(line).name) != own
    }
    for name, line in named.items():
        found.setdefault(_AFFIX.sub("", name).replace("-", "_"), line)
    return found | {name.replace("-", "_"): line for name, line in named.items()}


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
    """The modules that a file imports where it begins (not in a function, nor if it may fail)."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
