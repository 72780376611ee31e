"""A source distribution made ready as a repository: what to change, what tests it, what it needs.

What a task does not need is left out (documentation, examples, dot folders, build products), and the library's own
pytest settings give way to a plain `pytest.ini`: they often ask for plugins and reports that no fault is found by.
"""

from __future__ import annotations

import email.parser
import email.policy
import os
import re
import shutil
import threading
from collections.abc import Container, Iterable
from dataclasses import dataclass
from email.message import Message
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import Environment
from journeyman.tasks.detect.needs import PYTEST
from journeyman.tasks.detect.setup import Setup
from journeyman.tasks.sources.sdist import Sdist, SourceError, fetch, unpack

EXTRAS: dict[str, tuple[str, ...]] = {
    # Libraries whose tests, or whose code, import more than pytest. Everything else gets pytest alone.
    "funcy": ("whatever==0.7",),
    "furl": ("orderedmultidict==1.0.1", "six==1.17.0"),
    "humanize": ("freezegun==1.5.1", "python-dateutil==2.9.0.post0", "six==1.17.0"),
    "hyperlink": ("idna==3.10",),
    "jsonpatch": ("jsonpointer==3.0.0",),
    "python-slugify": ("text-unidecode==1.3",),
}

_LAYOUT = 1
"""Raised when `prepare` makes other files of the same archive: the prepared tree is cached and hashed."""

_DROPPED = re.compile(r"^(\..*|docs?|examples?|benchmarks?|build|dist|changelog\.d|news|requirements)$", re.IGNORECASE)
_NO_SOURCE = frozenset(
    {"test", "tests", "testing", "_vendor", "vendor", "vendored", "_vendored", "locale", "__pycache__"}
)
_NO_MODULE = frozenset(
    {"setup.py", "conftest.py", "noxfile.py", "__main__.py", "_version.py", "version.py", "run_tests.py"}
)
_TEST_FILE = re.compile(r"^(test_.*|.*_tests?|tests?)\.py$")
_LARGEST = 1024 * 1024  # bytes of one file that is kept

SETUP = ".journeyman.json"
"""In an archive that was packed from somebody's repository: the `Setup` with which its tests run."""
PYTHON_FILES = "test_*.py *_test.py *_tests.py test.py tests.py"
_PYTEST_INI = f"""\
[pytest]
python_files = {PYTHON_FILES}
addopts = --import-mode=prepend
"""


@dataclass(frozen=True, slots=True)
class Library:
    """One library as a repository, on the host; nobody writes to it."""

    sdist: Sdist
    root: Path
    licence: str
    sources: tuple[str, ...]
    """Modules in which faults may be made, relative POSIX paths."""
    tests: tuple[str, ...]
    """Its test files, likewise."""
    environment: Environment

    @property
    def editable(self) -> tuple[str, ...]:
        """Globs of what a solution may change: the modules' folders, which are never those of the tests."""
        places = dict.fromkeys((str(pure.parent), pure.suffix) for pure in map(PurePosixPath, self.sources))
        return tuple(f"*{suffix}" if folder == "." else f"{folder}/*{suffix}" for folder, suffix in places)

    @property
    def summary(self) -> str:
        """What it says of itself in one line; empty where it says nothing."""
        said = str(_described(self.root).get("Summary") or "").strip()
        return "" if said == "UNKNOWN" else " ".join(said.split())

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()


def load_library(requirement: str, *, sha256: str | None = None) -> Library:
    """Fetch, unpack and prepare a library; the second time it comes from the cache.

    Raises:
        SourceError: it cannot be had, holds no tests, or no package.
    """
    return prepare(fetch(requirement, sha256=sha256))


def prepare(sdist: Sdist) -> Library:
    """Make a repository of an archive.

    Raises:
        SourceError: it holds no tests, or no package.
    """
    root = home("libraries") / f"{sdist.name}-{sdist.version}-{sdist.sha256[:12]}-{_LAYOUT}"
    if not root.is_dir():
        _build(sdist, root)
    if (settings := _settings(root)).is_file():
        setup = Setup.from_json(settings.read_text(encoding="utf-8"))
        environment = Environment(
            setup.python, setup.requirements, pythonpath=setup.pythonpath, toolchain=setup.toolchain
        )
        return Library(sdist, root, setup.licence, setup.sources, setup.tests, environment)
    tests = test_files(root)
    if not tests:
        raise SourceError(
            f"{sdist.requirement}: its source distribution holds no tests; try another version or library"
        )
    base = importable(root)
    sources = source_files(root, base)
    if not sources:
        raise SourceError(f"{sdist.requirement}: no importable package or module found at its top or below src/")
    requirements = (PYTEST, *EXTRAS.get(sdist.name, ()))
    environment = Environment(requirements=requirements, pythonpath=(base.relative_to(root).as_posix(),))
    return Library(sdist, root, licence_of(root), sources, tests, environment)


def _settings(root: Path) -> Path:
    """Where the settings of a packed repository are kept: beside it, out of a policy's sight."""
    return root.with_name(f"{root.name}.json")


def _build(sdist: Sdist, root: Path) -> None:
    root.parent.mkdir(parents=True, exist_ok=True)
    scratch = root.with_name(f"{root.name}.{os.getpid()}-{threading.get_ident()}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        tree = unpack(sdist.archive, scratch)
        if (tree / SETUP).is_file():  # it was tidied when it was packed
            (tree / SETUP).replace(_settings(root))
        else:
            tidy(tree)
            name_itself(tree, sdist.name, importable(tree))
            (tree / "pytest.ini").write_text(_PYTEST_INI, encoding="utf-8")
        try:
            tree.rename(root)
        except OSError:
            if not root.is_dir():  # else another thread or process was faster, with the same
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def tidy(tree: Path, keep: Container[str] = ()) -> None:
    """Take away what no task needs, except for the folders at the top that are named."""
    for path in list(tree.iterdir()):
        if path.is_dir() and is_dropped(path.name) and path.name not in keep:
            shutil.rmtree(path)
    for path in [*tree.rglob("*")]:
        if path.is_file():
            if path.stat().st_size > _LARGEST or path.suffix in {".pyc", ".so"}:
                path.unlink()
            else:
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def is_dropped(folder: str) -> bool:
    """Whether a folder of this name at the top is no part of a task."""
    return _DROPPED.match(folder) is not None


def name_itself(tree: Path, name: str, base: Path) -> None:
    """Many libraries ask `importlib.metadata` for their version: the folder that an installation would have made."""
    described = tree / "PKG-INFO"
    if described.is_file() and not list(base.glob("*.egg-info")):
        folder = base / f"{name.replace('-', '_')}.egg-info"
        folder.mkdir()
        shutil.copyfile(described, folder / "PKG-INFO")


def importable(root: Path) -> Path:
    """The folder from which the code is imported, where nothing says it."""
    source = root / "src"
    return source if source.is_dir() and not (source / "__init__.py").exists() else root


def test_files(root: Path, patterns: Iterable[str] = ()) -> tuple[str, ...]:
    """Python files that are named as tests are, or as the repository's own `python_files` say."""
    own = tuple(patterns)
    named = ((path, PurePosixPath(path).name) for path in _python_files(root))
    return tuple(path for path, name in named if _TEST_FILE.match(name) or any(fnmatch(name, each) for each in own))


def source_files(root: Path, base: Path) -> tuple[str, ...]:
    """The library's own modules below the folder that is importable."""
    inside = {path: path.relative_to(base) for path in map(root.joinpath, _python_files(root)) if base in path.parents}
    modules = {path: inner for path, inner in inside.items() if _is_module(inner)}
    # Beside a package, modules at the top are tools of its authors; without one, they are the library.
    packages = {inner.parts[0] for inner in modules.values() if (base / inner.parts[0] / "__init__.py").is_file()}
    chosen = [
        path for path, inner in modules.items() if (inner.parts[0] in packages if packages else len(inner.parts) == 1)
    ]
    if not chosen:  # packages without an __init__.py: namespaces
        chosen = [path for path, inner in modules.items() if (path.parent / "__init__.py").is_file() or base != root]
    return tuple(path.relative_to(root).as_posix() for path in chosen)


def _is_module(inner: Path) -> bool:
    named = inner.name in _NO_MODULE or _TEST_FILE.match(inner.name)
    return not named and not set(inner.parts[:-1]) & _NO_SOURCE


def _python_files(root: Path) -> tuple[str, ...]:
    found = (path.relative_to(root) for path in root.rglob("*.py") if path.is_file())
    return tuple(sorted(path.as_posix() for path in found if len(path.parts) == 1 or not is_dropped(path.parts[0])))


def licence_of(root: Path) -> str:
    """The licence as the package states it, in a few words."""
    facts = _described(root)
    classifiers = [str(c) for c in facts.get_all("Classifier", []) if str(c).startswith("License ::")]
    stated = str(facts.get("License-Expression") or facts.get("License") or "").strip()
    if stated and "\n" not in stated and len(stated) <= 60 and stated != "UNKNOWN":
        return stated
    return classifiers[0].split(" :: ")[-1] if classifiers else "unknown"


def _described(root: Path) -> Message:
    """The facts of its PKG-INFO; none where it has no such file."""
    described = root / "PKG-INFO"
    text = described.read_text(encoding="utf-8", errors="replace") if described.is_file() else ""
    parser = email.parser.HeaderParser(policy=email.policy.compat32)
    facts: Message = parser.parsestr(text)
    return facts
