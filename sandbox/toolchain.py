"""Toolchains of languages other than Python: the host's, found when an environment asks for one.

One that is installed below /usr is in every namespace sandbox already; another's folder (rustup's, a Go tree, a Node
from its own archive) is bound at /opt/toolchain. A Docker image gets Debian's packages instead.

What node's tests need from npm is installed once for each environment, without running any package's scripts, and
stands at /node_modules, where node looks last: read-only, and never among a repository's own files.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from journeyman.sandbox.calls import call
from journeyman.sandbox.sandbox import Environment, ImageError, SandboxUnavailable

PLACE = "/opt/toolchain"
MODULES = "/node_modules"
ASK_S = 60.0
"""Wall clock of asking a tool for its version or its home, in seconds."""
_PACKAGE = re.compile(r"(@[a-z0-9~][a-z0-9._~-]*/)?[A-Za-z0-9][A-Za-z0-9._~-]*@[0-9][A-Za-z0-9.+-]*")

_NPM_SAID = re.compile(r"^npm (?:ERR!|error) (?!code |A complete log|In most cases)(.*\S)")


@dataclass(frozen=True, slots=True)
class Toolchain:
    """One as the host has it."""

    name: str
    """What `Environment.toolchain` says: "node", "go" or "rust"."""
    version: str
    """What its main tool says of itself."""
    root: str
    """Its folder on the host, bound at /opt/toolchain; empty where it lies below /usr."""
    bin: str
    """Where its tools stand inside; empty where that is on every sandbox's PATH."""


@dataclass(frozen=True, slots=True)
class _Kind:
    tools: tuple[str, ...]
    """All must be on PATH; the first one is asked for its version."""
    version: tuple[str, ...]
    home: Callable[[str], Path]
    """The folder that holds the whole of it, from the first tool's path."""
    install: str
    debian: tuple[str, ...]


def _said(command: list[str]) -> str:
    """The first line that a tool says; empty where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_S, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().partition("\n")[0] if done.returncode == 0 else ""


def _above_bin(tool: str) -> Path:
    return Path(tool).resolve().parent.parent


KINDS = {
    "node": _Kind(
        ("node",), ("--version",), _above_bin,
        "install Node.js 20 or newer (Debian, Ubuntu: apt install nodejs npm)", ("nodejs",),
    ),
    "go": _Kind(
        ("go",), ("version",), lambda tool: Path(_said([tool, "env", "GOROOT"]) or "/nowhere").resolve(),
        "install Go 1.19 or newer (Debian, Ubuntu: apt install golang-go)", ("golang-go",),
    ),
    "rust": _Kind(
        ("cargo", "rustc", "cc"), ("--version",),
        lambda _: Path(_said(["rustc", "--print", "sysroot"]) or "/nowhere").resolve(),
        "install Rust with its linker (rustup, or Debian, Ubuntu: apt install cargo gcc)", ("cargo", "rustc", "gcc"),
    ),
}  # fmt: skip


@cache
def toolchain_of(name: str) -> Toolchain:
    """The host's toolchain of a name.

    Raises:
        ImageError: no toolchain has that name.
        SandboxUnavailable: the host has none; the message says what to install.
    """
    if name not in KINDS:
        raise ImageError(f"toolchain = {name!r}: there are {', '.join(KINDS)}")
    kind = KINDS[name]
    found = [shutil.which(tool) for tool in kind.tools]
    if None in found:
        missing = ", ".join(tool for tool, place in zip(kind.tools, found, strict=True) if place is None)
        raise SandboxUnavailable(f"the task needs {name}, and {missing} is not on PATH; {kind.install}")
    main = str(found[0])
    root = kind.home(main)
    version = _said([main, *kind.version])
    if not version or not root.is_dir():
        raise SandboxUnavailable(f"the task needs {name}, and {main} does not run; {kind.install}")
    if not root.is_relative_to("/usr"):
        return Toolchain(name, version, str(root), f"{PLACE}/bin")
    on_path = root / "bin" in (Path("/usr/bin"), Path("/usr/local/bin"))
    return Toolchain(name, version, "", "" if on_path else str(root / "bin"))


def debian_packages(environment: Environment) -> tuple[str, ...]:
    """All Debian packages that an image of its own installs, the toolchain's included."""
    kind = KINDS.get(environment.toolchain)
    return tuple(dict.fromkeys([*environment.system_packages, *(kind.debian if kind else ())]))


def install_modules(folder: Path, environment: Environment, log: Path, limit_s: float) -> None:
    """Install the environment's npm packages into `folder`, whose name must be node_modules; no script of theirs runs.

    Raises:
        ImageError: npm is missing or fails; the message has the end of what it said.
    """
    if odd := [line for line in environment.requirements if not _PACKAGE.fullmatch(line)]:
        raise ImageError(f"requirement {odd[0]!r}: with node, only packages of npm such as 'tape@5.7.2' can be built")
    npm = _npm("the task needs")
    (folder.parent / "package.json").write_text('{"private": true}\n')
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--save-exact"]
    run_npm([*command, "--legacy-peer-deps", *environment.requirements], folder.parent, log, limit_s)
    folder.mkdir(exist_ok=True)
    for place, _, names in os.walk(folder):  # a strict umask must not lock out the sandbox's user
        Path(place).chmod(0o755)
        for name in names:
            if not (path := Path(place, name)).is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _npm(who: str) -> str:
    """Where npm is. Raises ImageError, which says who needs it."""
    if (npm := shutil.which("npm")) is None:
        raise ImageError(f"{who} packages of npm, and npm is not on PATH (Debian, Ubuntu: apt install npm)")
    return npm


def run_npm(command: list[str], folder: Path, log: Path, limit_s: float) -> None:
    """Run npm in a folder of ours, its words in `log`.

    Raises:
        ImageError: it fails, or takes more than `limit_s` seconds.
    """
    problem = "failed"
    with log.open("ab") as file:
        try:
            done = call(command, timeout_s=limit_s, cwd=folder, stdout=file, stderr=file)
            problem = "failed" if done.returncode else ""
        except subprocess.TimeoutExpired:
            problem = f"took more than {limit_s:.0f} s"
    if problem:
        told = (_NPM_SAID.match(line) for line in log.read_text(errors="replace").splitlines())
        reason = next((match[1] for match in told if match), "it gave no reason")
        raise ImageError(f"getting packages of npm {problem}: {reason}")


def pinned_modules(wishes: dict[str, str], scratch: Path) -> tuple[str, ...]:
    """Exact versions of all that some packages with version ranges need, as npm chooses today; nothing is installed.

    Where one package is needed in several versions, the one that most need (npm's choice for the top) is named.

    Raises:
        ImageError: npm is missing or fails, or its registry cannot be reached.
    """
    if not wishes:
        return ()
    npm = _npm("its tests need")
    folder = scratch / "npm"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": wishes}))
    command = [npm, "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]
    run_npm([*command, "--legacy-peer-deps"], folder, scratch / "npm.log", 600.0)
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    # What is optional is often for another system; who needs it names it again.
    wanted = {path: about for path, about in lock["packages"].items() if path and not about.get("optional")}
    tops = ((path.removeprefix("node_modules/"), about) for path, about in wanted.items())
    return tuple(sorted(f"{name}@{about['version']}" for name, about in tops if "node_modules/" not in name))
