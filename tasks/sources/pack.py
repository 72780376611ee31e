"""A repository packed as an archive in the cache, so that all else treats it as a library: `NAME==VERSION+source.HASH`.

The archive holds what a policy gets, and the settings with which its tests run. The same files and settings give the
same archive, byte for byte.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from journeyman.sandbox.home import home
from journeyman.tasks.detect.django import HELPER
from journeyman.tasks.detect.facts import Facts
from journeyman.tasks.detect.known import PLUGINS_OF_OTHER_NAMES
from journeyman.tasks.detect.places import FINDER
from journeyman.tasks.detect.setup import Setup
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.sources.library import PYTHON_FILES, SETUP, name_itself, tidy
from journeyman.tasks.sources.recipe import tree_hash
from journeyman.tasks.sources.sdist import PACKED, Sdist, fetch

_CARRIED = ("python_classes", "python_functions", "usefixtures", "asyncio_mode", "asyncio_default_fixture_loop_scope")
"""pytest's settings that decide which tests there are and how they run; others ask for reports, or are taste."""
_CONFTEST = """
# What this repository's tests need around them, as it was found in its settings.
{variables}{plugins}"""
_HYPOTHESIS = """
import hypothesis as _hypothesis

# The same examples in every run, however long they take: a test that may go either way is no check.
_hypothesis.settings.register_profile(
    "steady", derandomize=True, deadline=None, database=None, suppress_health_check=list(_hypothesis.HealthCheck)
)
_hypothesis.settings.load_profile("steady")
"""
_PLUGINS = """import importlib.metadata as _metadata

_before = globals().get("pytest_plugins", [])
pytest_plugins = {modules!r} + ([_before] if isinstance(_before, str) else [*_before])
pytest_plugins += [
    _point.value
    for _point in _metadata.entry_points(group="pytest11")
    if _point.dist is not None and _point.dist.name.lower().replace("_", "-") in {names!r}
]
"""


def pack(tree: Path, setup: Setup, facts: Facts) -> Sdist:
    """Make the files of `tree` what a policy gets, and put their archive into the cache."""
    tidy(tree, keep={path.partition("/")[0] for path in (*setup.sources, *setup.tests, *setup.pythonpath)})
    if not setup.toolchain:
        write_versions(tree, setup, facts)
        _write_settings(tree, setup, facts)
    (tree / SETUP).write_text(setup.to_json(), encoding="utf-8")
    version = f"{setup.version.replace('+', '.')}{PACKED}{tree_hash(tree)[:12]}"
    folder = home("sdists") / f"{setup.name}-{version}"
    if not folder.is_dir():
        partial = folder.with_name(f"{folder.name}.{os.getpid()}.part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            (partial / f"{folder.name}.tar.gz").write_bytes(_archive(tree, folder.name))
            if not folder.is_dir():
                partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return fetch(f"{setup.name}=={version}")


def _archive(tree: Path, top: str) -> bytes:
    """A .tar.gz without dates or owners."""
    data = io.BytesIO()
    with gzip.GzipFile(fileobj=data, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for name, path in walk(tree):
            info = tarfile.TarInfo(f"{top}/{name}")
            info.size, info.mode = path.stat().st_size, 0o755 if path.stat().st_mode & 0o100 else 0o644
            with path.open("rb") as file:
                tar.addfile(info, file)
    return data.getvalue()


def write_versions(tree: Path, setup: Setup, facts: Facts) -> None:
    """What a build would have written: modules that hold the version, and the metadata of an installation."""
    for name in facts.version_files:
        place = tree / name
        if not place.exists() and place.parent.is_dir() and ".." not in Path(name).parts and name.endswith(".py"):
            numbers = tuple(int(number) for number in re.findall(r"\d+", setup.version)[:3])
            place.write_text(
                f"__version__ = version = {setup.version!r}\n__version_tuple__ = version_tuple = {numbers!r}\n"
            )
    if not (tree / "PKG-INFO").is_file():
        about = f"Metadata-Version: 2.1\nName: {setup.name}\nVersion: {setup.version}\n"
        (tree / "PKG-INFO").write_text(about, encoding="utf-8")
    base = tree / setup.pythonpath[0]
    name_itself(tree, setup.name, base)
    for place in base.glob("*.egg-info"):
        if facts.entry_points and place.is_dir() and not (place / "entry_points.txt").exists():
            (place / "entry_points.txt").write_text(_announced(facts.entry_points), encoding="utf-8")
    for name, text in facts.files.items():
        place = tree / name
        if not place.exists():
            place.parent.mkdir(exist_ok=True)
            place.write_text(text, encoding="utf-8")
            place.chmod(0o755 if text.startswith("#!") else 0o644)


def _announced(points: dict[str, dict[str, str]]) -> str:
    lines = ([f"[{group}]", *(f"{name} = {value}" for name, value in named.items())] for group, named in points.items())
    return "\n".join(line for group in lines for line in group) + "\n"


def _write_settings(tree: Path, setup: Setup, facts: Facts) -> None:
    own = facts.settings.get("python_files", "").split()
    lines = ["[pytest]", f"python_files = {' '.join(dict.fromkeys([*PYTHON_FILES.split(), *own]))}"]
    lines += [f"{key} = {_folded(facts.settings[key])}" for key in _CARRIED if facts.settings.get(key)]
    lines += [f"markers = {_folded(facts.settings['markers'])}"] if facts.settings.get("markers") else []
    (tree / "pytest.ini").write_text("\n".join([*lines, "addopts = --import-mode=prepend", ""]), encoding="utf-8")
    write_conftest(tree, setup)


def write_conftest(tree: Path, setup: Setup) -> None:
    """Let the tests have their plugins and variables. A conftest.py that is there becomes a file anew."""
    place = tree / "conftest.py"
    before = place.read_text(encoding="utf-8", errors="replace") if place.is_file() else ""
    after = conftest_of(before, setup)
    if after != before:
        place.unlink(missing_ok=True)
        place.write_text(after, encoding="utf-8")


def conftest_of(before: str, setup: Setup) -> str:
    """A conftest.py with what the tests need around them; as it was, where that is nothing."""
    steady = _HYPOTHESIS if any(line.startswith("hypothesis==") for line in setup.requirements) else ""
    if not (setup.variables or setup.plugins or steady):
        return before
    variables = f"import os as _os\n\n_os.environ.update({setup.variables!r})\n" if setup.variables else ""
    modules = [name for name in setup.plugins if name in (HELPER, FINDER)]
    plugins = _PLUGINS.format(names=setup.plugins, modules=modules) if setup.plugins else ""
    return before + _CONFTEST.format(variables=variables, plugins=plugins) + steady


def plugins_of(requirements: Iterable[str]) -> tuple[str, ...]:
    """The pytest plugins among some requirements."""
    names = [canonicalize_name(Requirement(line).name) for line in requirements]
    named = (name for name in names if "pytest" in name.split("-") or name in PLUGINS_OF_OTHER_NAMES)
    return tuple(name for name in named if name != "pytest")


def _folded(value: str) -> str:
    return "\n    ".join(line.strip() for line in value.splitlines() if line.strip())
