"""From a Python repository's files to a `Setup`, with a finding for each of its lines."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from journeyman.sandbox.image import interpreter_for
from journeyman.sandbox.sandbox import ImageError
from journeyman.tasks.detect.around import look_around
from journeyman.tasks.detect.facts import Facts
from journeyman.tasks.detect.needs import choose, unsaid
from journeyman.tasks.detect.pyproject import read_pyproject
from journeyman.tasks.detect.runners import read_nox, read_pytest_ini, read_requirements, read_tox
from journeyman.tasks.detect.setup import Config, Finding, Setup
from journeyman.tasks.detect.setup_files import read_egg_info, read_pkg_info, read_setup_cfg, read_setup_py
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.sources.library import importable, source_files, test_files
from journeyman.tasks.sources.sdist import SourceError

READERS = (
    read_pyproject, read_setup_cfg, read_setup_py, read_pkg_info, read_egg_info, read_pytest_ini, read_tox, read_nox,
    read_requirements,
)  # fmt: skip
"""The first that knows a fact is believed."""
PART_OF_PYTEST = frozenset({"pytest", "pluggy", "iniconfig", "packaging"})
"""Loaded before any test is: what stands in the workspace under these names is never run."""
_OUTSIDE = re.compile(
    r"(^|/)(integration|functional|acceptance|e2e|end_to_end|live|online|network|system|perf|performance|benchmark)s?"
    r"([_-]?tests?)?/",
    re.IGNORECASE,
)
"""Folders of tests that, by their names, need more than the repository."""
NEWEST, OLDEST = 15, 9
"""Minor versions of Python 3 that are looked for."""


@dataclass(frozen=True, slots=True)
class Detected:
    """What a repository's files say about how to run it."""

    setup: Setup
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    facts: Facts


def detect(folder: Path, source: str, config: Config, name: str, version: str) -> Detected:
    """Read a repository's files; nothing of it runs.

    Args:
        source: how its owner named it, for error messages.
        name: what to call it where it does not say; likewise `version`.

    Raises:
        SourceError: it has no tests, no modules, or no Python at hand suits it.
    """
    facts = Facts(folder)
    for read in READERS:
        read(facts)
    findings: list[Finding] = []

    def settle(key: str, own: object, found: object, where: str, assumed: bool = False) -> None:
        findings.append(Finding(key, found, where, assumed) if own is None else Finding(key, own, "the config file"))

    def told(key: str, own: str | None, otherwise: str, why: str) -> str:
        value, where = facts.told.get(key, (otherwise, why))
        settle(key, own, str(value), where, key not in facts.told)
        return str(own or value)

    called = str(canonicalize_name(told("name", config.name, name, "assumed from the source's name")))
    number = _version(facts, folder) or version
    numbered = told("version", config.version, number, "assumed: no file gives it as text")
    wish, said = facts.told.get("python", ("", "assumed: no file asks for one"))
    python = config.python or choose_python(str(wish), source)
    settle("python", config.python, python, f"{said}: {wish}" if wish else said, not wish)
    base = _base(facts, folder, settle, config)
    tests, sources = _code(folder, folder / base[0], source, config, facts, settle)
    if called in PART_OF_PYTEST:
        raise SourceError(f"{source}: pytest itself runs on {called}, so no fault in it shows; take another")
    around = look_around(facts, called, tests, sources, base[0])
    wanted = choose(facts, python)
    more = unsaid(facts, tests, around.requirements, wanted.lines)
    lines = (*(config.requirements or (*wanted.lines, *more)), *config.add_requirements)
    settle(
        "requirements",
        config.requirements,
        lines,
        "; ".join(wanted.places) or "assumed: pytest alone",
        not wanted.places,
    )
    if more and config.requirements is None:
        findings.append(Finding("add_requirements", more, "assumed: the tests use them, no file says so", True))
    variables = {**facts.variables, **around.variables} if config.variables is None else config.variables
    if variables:
        settle("variables", config.variables, variables, around.why or "tox.ini or hatch")
    if config.pythonpath is None:
        base = tuple(dict.fromkeys((*base, *around.folders)))
    setup = Setup(
        called, numbered, str(facts.get("licence", "unknown")).splitlines()[0][:60], python, lines, base, sources,
        tests, tuple(around.plugins) if config.plugins is None else config.plugins, variables,
    )  # fmt: skip
    return Detected(setup, tuple(findings), (*facts.notes, *wanted.notes), facts)


def _code(
    folder: Path, base: Path, source: str, config: Config, facts: Facts, settle: Callable[..., None]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The files of the tests, and the modules in which faults may be made."""
    tests = _files(folder, config.tests, test_files(folder, facts.settings.get("python_files", "").split()))
    tests = tuple(path for path in tests if not _matches(path, config.skip))
    # What waits for a network or a server goes last: it may use up the suite's time, or bring pytest down.
    tests = tuple(sorted(tests, key=lambda path: bool(_OUTSIDE.search(path)))) if config.tests is None else tests
    settle("tests", config.tests, tests, "files named as pytest expects")
    if not tests:
        raise SourceError(f"{source}: no tests found (test_*.py, *_test.py, tests.py); where are they? {_ask('tests')}")
    sources = _files(folder, config.sources, source_files(folder, base))
    sources = tuple(path for path in sources if path not in tests)
    settle("sources", config.sources, sources, "packages and modules found there")
    if not sources:
        raise SourceError(
            f"{source}: no package or module found below {base.relative_to(folder)}; where is it? {_ask('sources')}"
        )
    return tests, sources


def _ask(key: str) -> str:
    return f'write {key} = ["…"] into journeyman.toml beside it, or give a file with --config'


def choose_python(wish: str, source: str) -> str:
    """The minor version that suits a specifier: the one that runs this, else the newest at hand.

    Raises:
        SourceError: none of this machine's does.
    """
    try:
        range_ = SpecifierSet(wish)
    except InvalidSpecifier:
        range_ = SpecifierSet("")
    here = sys.version_info[1]
    for minor in (here, *(number for number in range(NEWEST, OLDEST - 1, -1) if number != here)):
        version = f"3.{minor}"
        # Any micro version of it: ">=3.11.4" is no reason to refuse 3.11.
        if any(range_.contains(f"{version}.{micro}") for micro in (99, 0)) and _at_hand(version):
            return version
    raise SourceError(
        f"{source}: asks for Python {wish}, and this machine has none such; install one (as python3.X on PATH), "
        'or write python = "3.X" into journeyman.toml to try another'
    )


@cache
def _at_hand(version: str) -> bool:
    if version != "{}.{}".format(*sys.version_info) and not shutil.which(f"python{version}"):
        return False
    try:
        return bool(interpreter_for(version))
    except ImageError:
        return False


def _base(facts: Facts, folder: Path, settle: Callable[..., None], config: Config) -> tuple[str, ...]:
    """Folders that are importable: first the one that holds the code, then what pytest's settings add."""
    told, where = facts.told.get("base", ("", ""))
    told = str(PurePosixPath(str(told))) if told else ""
    if not told or told.startswith(("/", "..")) or not (folder / told).is_dir():
        told, where = importable(folder).relative_to(folder).as_posix(), "found there"
    more = [
        path for path in facts.settings.get("pythonpath", "").split() if (folder / path).is_dir() and ".." not in path
    ]
    found = tuple(dict.fromkeys([told, *(str(PurePosixPath(path)) for path in more)]))
    settle("pythonpath", config.pythonpath, found, where)
    return config.pythonpath or found


def chosen(folder: Path, globs: tuple[str, ...] | None, found: Iterable[str], skip: tuple[str, ...]) -> tuple[str, ...]:
    """The files that an owner's globs name, or else those that were found; without those that are skipped."""
    named = found if globs is None else (name for name, _ in walk(folder) if _matches(name, globs))
    return tuple(path for path in named if not _matches(path, skip))


def _files(folder: Path, globs: tuple[str, ...] | None, found: Iterable[str]) -> tuple[str, ...]:
    if globs is None:
        return tuple(found)
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))
    return tuple(path for path in paths if _matches(path, globs))


def _matches(path: str, globs: Iterable[str]) -> bool:
    """Whether a path is one of the files that the globs name, or stands in one of the folders."""
    pure = PurePosixPath(path)
    return any(place.match(glob) for glob in globs for place in (pure, *pure.parents)) or any(
        re.fullmatch(re.escape(glob).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*"), path) for glob in globs
    )


def _version(facts: Facts, folder: Path) -> str:
    """A version that stands in the code as `__version__ = "…"`."""
    place = str(facts.get("version file"))
    candidates = [folder / place] if place else []
    if attribute := str(facts.get("version attribute")):
        inner = attribute.rpartition(".")[0].replace(".", "/")
        candidates += [root / f"{inner}{end}" for root in (folder, folder / "src") for end in (".py", "/__init__.py")]
    candidates += sorted(
        [*folder.glob("*/__init__.py"), *folder.glob("src/*/__init__.py"), *folder.glob("*/_version.py")]
    )
    for path in candidates:
        if path.is_file() and (
            found := re.search(r'^__version__\s*(?::[^=]+)?=\s*["\']([0-9][\w.!-]*)["\']', _text(path), re.M)
        ):
            return found[1]
    return ""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
