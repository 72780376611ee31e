"""What works on this machine, what holds an agent in, what is missing and how to mend it.

Nothing is changed, but for what making a first sandbox leaves in the cache.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from journeyman import __version__
from journeyman.cli_common import RUNS
from journeyman.doctor_kept import images, leftovers, pools
from journeyman.findings import Finding, Health
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.docker_engine import engine
from journeyman.sandbox.history import git
from journeyman.sandbox.home import home
from journeyman.sandbox.probe import Property, probe
from journeyman.sandbox.sandbox import Environment, SandboxError, SandboxFactory, SandboxUnavailable
from journeyman.sandbox.toolchain import KINDS, toolchain_of

LOW_DISK_GB = 2.0
"""Less room than this is said to be little: a model and a minted library take about that."""
_NEEDED = ("gymnasium", "pydantic", "typer", "rich", "tree-sitter", "docker")
_TRAINING = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")


def examine() -> list[Finding]:
    """Look at everything. Takes a second or two; longer the first time, when a sandbox's environment is built."""
    try:
        home()
    except SandboxError as error:  # nothing else can be tried
        detail, _, mend = str(error).rpartition("; ")
        return [*versions(), Finding("disk", "cache", Health.MISSING, detail, mend)]
    return [*versions(), *backends(), *pools(), *images(), *disk(), *leftovers()]


def is_able(found: list[Finding]) -> bool:
    """Whether episodes can be run here: one backend is enough, and nothing that is needed is missing."""
    works = any(each.about == "sandbox" and each.health is Health.OK for each in found)
    return works and not any(each.about == "versions" and each.health is Health.MISSING for each in found)


def versions() -> list[Finding]:
    """What is installed."""
    system = f"{platform.system()} {platform.release()}, {os.cpu_count()} processors, {_memory_gb():.1f} GB memory"
    found = [
        Finding("versions", "journeyman", Health.OK, f"{__version__}, Python {platform.python_version()}"),
        Finding("versions", "machine", Health.OK, system),
    ]
    for names, about, lacking, mend in (
        (_NEEDED, "needed", Health.MISSING, "pip install journeyman"),
        (_TRAINING, "for training", Health.NOTE, "pip install 'journeyman[train]'"),
    ):
        have = {name: version for name in names if (version := _version(name))}
        lack = [name for name in names if name not in have]
        detail = ", ".join(f"{name} {version}" for name, version in have.items())
        if lack:
            detail = "; ".join(filter(None, [detail, f"not installed: {', '.join(lack)}"]))
        found.append(Finding("versions", about, lacking if lack else Health.OK, detail, mend if lack else ""))
    return [*found, _git(), *toolchains()]


def toolchains() -> list[Finding]:
    """Which languages' tests can be run here, beside Python's."""
    found = []
    for name in KINDS:
        try:
            known = toolchain_of(name)
            where = known.root or "below /usr"
            found.append(Finding("versions", name, Health.OK, f"{known.version} ({where})"))
        except SandboxUnavailable as error:
            detail, _, mend = str(error).rpartition("; ")
            found.append(Finding("versions", name, Health.NOTE, detail.removeprefix("the task needs "), mend))
    return found


def backends() -> list[Finding]:
    """Which sandboxes work here, found by making one, and the isolation that they bring."""
    return [_namespace(), _docker()]


def disk() -> list[Finding]:
    """Room where runs and built things go."""
    found = []
    for name, folder in (("runs", RUNS.absolute()), ("cache", home())):
        at = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(at).free / 1e9
        detail = f"{folder}: {free:.1f} GB free" + (f", {_size_gb(folder):.2f} GB used" if folder.is_dir() else "")
        low = free < LOW_DISK_GB
        mend = "free some space, or set JOURNEYMAN_HOME to a roomier place" if low else ""
        found.append(Finding("disk", name, Health.NOTE if low else Health.OK, detail, mend))
    return found


def _namespace() -> Finding:
    try:
        factory = open_backend("namespace")
        times, walls = _timed(factory), probe(factory)
    except SandboxError as error:
        return Finding("sandbox", "namespace", Health.MISSING, "does not work here", str(error))
    return _tried("namespace", times, walls)


def _docker() -> Finding:
    about = "an engine answers"
    try:
        facts = engine().facts
        factory = open_backend("docker")
        about = f"engine {facts.get('ServerVersion')}, {facts.get('OperatingSystem')}, storage {facts.get('Driver')}"
        times, walls = _timed(factory), probe(factory)
    except SandboxUnavailable as error:
        return Finding("sandbox", "docker", Health.NOTE, "no engine answers", str(error))
    except SandboxError as error:
        return Finding("sandbox", "docker", Health.NOTE, f"{about}, but no sandbox can be made", str(error))
    return _tried("docker", f"{about}; {times}", walls)


def _timed(factory: SandboxFactory) -> str:
    """How long a sandbox and a command take here, in words."""
    with tempfile.TemporaryDirectory(prefix="journeyman-doctor-") as repository:
        environment = Environment(python="{}.{}".format(*sys.version_info), requirements=())
        factory.create(environment, Path(repository)).close()  # what is built once is not part of the time
        began = time.perf_counter()
        with factory.create(environment, Path(repository)) as sandbox:
            made = time.perf_counter()
            sandbox.run(["true"], timeout_s=20)
            ran = time.perf_counter()
    return f"made in {1000 * (made - began):.0f} ms, a command takes {1000 * (ran - made):.0f} ms"


def _tried(name: str, about: str, walls: Sequence[Property]) -> Finding:
    """What was tried, and what held. Neither backend protects from a hole in the kernel."""
    held = ", ".join(f"{wall.name} ({wall.detail})" if wall.detail else wall.name for wall in walls if wall.holds)
    fell = [wall.name for wall in walls if not wall.holds]
    detail = f"{about}; tried and in force: {held}"
    if not fell:
        return Finding("sandbox", name, Health.OK, detail)
    return Finding(
        "sandbox", name, Health.NOTE, detail, f"NOT in force: {', '.join(fell)}; run only code that you trust"
    )


def _git() -> Finding:
    if path := git():
        return Finding("versions", "git", Health.OK, f"{path}: policies begin with a commit of the repository")
    detail = "not installed: policies find no commit, so `git diff` and `git stash` fail in their sandboxes"
    return Finding("versions", "git", Health.NOTE, detail, "install git (Debian, Ubuntu: apt install git)")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _memory_gb() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9


def _size_gb(folder: Path) -> float:
    files = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in files if path.is_file()) / 1e9
