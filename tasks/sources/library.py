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
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path, PurePosixPath

from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import Environment
from journeyman.tasks.sources.sdist import Sdist, SourceError, fetch, unpack

PYTEST = "pytest==8.3.5"

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

_PYTEST_INI = """\
[pytest]
python_files = test_*.py *_test.py *_tests.py test.py tests.py
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
        folders = dict.fromkeys(str(PurePosixPath(path).parent) for path in self.sources)
        return tuple("*.py" if folder == "." else f"{folder}/*.py" for folder in folders)

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
    files = tuple(sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py")))
    tests = tuple(path for path in files if _TEST_FILE.match(PurePosixPath(path).name))
    if not tests:
        raise SourceError(
            f"{sdist.requirement}: its source distribution holds no tests; try another version or library"
        )
    base = _import_root(root)
    sources = tuple(_sources(root, base, files))
    if not sources:
        raise SourceError(f"{sdist.requirement}: no importable package or module found at its top or below src/")
    requirements = (PYTEST, *EXTRAS.get(sdist.name, ()))
    environment = Environment(requirements=requirements, pythonpath=(base.relative_to(root).as_posix(),))
    return Library(sdist, root, _licence(root), sources, tests, environment)


def _build(sdist: Sdist, root: Path) -> None:
    root.parent.mkdir(parents=True, exist_ok=True)
    scratch = root.with_name(f"{root.name}.{os.getpid()}-{threading.get_ident()}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        tree = unpack(sdist.archive, scratch)
        for path in list(tree.iterdir()):
            if path.is_dir() and (_DROPPED.match(path.name)):
                shutil.rmtree(path)
        for path in [*tree.rglob("*")]:
            if path.is_file():
                if path.stat().st_size > _LARGEST or path.suffix in {".pyc", ".so"}:
                    path.unlink()
                else:
                    path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        _name_itself(sdist, tree)
        (tree / "pytest.ini").write_text(_PYTEST_INI, encoding="utf-8")
        try:
            tree.rename(root)
        except OSError:
            if not root.is_dir():  # else another thread or process was faster, with the same
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _name_itself(sdist: Sdist, tree: Path) -> None:
    """Many libraries ask `importlib.metadata` for their version: the folder that an installation would have made."""
    base = _import_root(tree)
    described = tree / "PKG-INFO"
    if described.is_file() and not list(base.glob("*.egg-info")):
        folder = base / f"{sdist.name.replace('-', '_')}.egg-info"
        folder.mkdir()
        shutil.copyfile(described, folder / "PKG-INFO")


def _import_root(root: Path) -> Path:
    source = root / "src"
    return source if source.is_dir() and not (source / "__init__.py").exists() else root


def _sources(root: Path, base: Path, files: tuple[str, ...]) -> Iterator[str]:
    prefix = "" if base == root else "src/"
    # Beside a package, modules at the top are tools of its authors; without one, they are the library.
    has_package = any((base / name / "__init__.py").is_file() for name in _folders(base) if name not in _NO_SOURCE)
    for path in files:
        pure = PurePosixPath(path.removeprefix(prefix))
        if not path.startswith(prefix) or pure.name in _NO_MODULE or _TEST_FILE.match(pure.name):
            continue
        if set(pure.parts[:-1]) & _NO_SOURCE:
            continue
        if (base / pure.parts[0] / "__init__.py").is_file() if has_package else len(pure.parts) == 1:
            yield path


def _folders(place: Path) -> list[str]:
    return [path.name for path in place.iterdir() if path.is_dir()]


def _licence(root: Path) -> str:
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
