"""Where commands run: an isolated copy of a repository with its tools.

A sandbox is asked for by what it must contain (an `Environment` and the repository's pristine files), not by
how it is built, so that the same task runs on every backend and a verdict does not depend on the laptop at hand.

Inside every sandbox the layout is the same, so that what a command prints is the same too:

    /workspace     the repository, writable, where commands start
    /opt/env       the interpreter's environment with the task's requirements, read-only
    /opt/journeyman  the helper that runs commands, read-only
    /opt/toolchain, /node_modules  where a task asks for a toolchain: see `toolchain`, read-only
    /tmp           writable, small

Errors:

    SandboxError (RuntimeError)
    ├── SandboxUnavailable   this backend cannot work on this machine (says what to do)
    ├── ImageError           the environment could not be built (says which step failed)
    ├── SandboxLost          the sandbox died under us: killed, out of memory, closed
    └── SandboxPathError (ValueError)  a path that leaves the workspace, or is not what was asked for
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from journeyman.sandbox.link import LinkEnd

WORKSPACE = "/workspace"
MAX_OUTPUT_BYTES = 64 * 1024
MAX_READ_BYTES = 8 * 1024 * 1024


class SandboxError(RuntimeError):
    """Base of all that a sandbox raises. What the *policy* did wrong is never one of these: that is an observation."""


class SandboxUnavailable(SandboxError):
    """The backend cannot work on this machine; the message says what to do about it."""


class ImageError(SandboxError):
    """An environment could not be built; the message names the failing step and keeps the end of its log."""


class SandboxLost(SandboxError):
    """The sandbox is gone: killed from outside, out of memory, or already closed."""


class SandboxPathError(SandboxError, ValueError):
    """A path leaves the workspace, does not exist, or is not a regular file."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a repository needs around it, declared so that every backend can build it."""

    python: str = "3.11"
    """Minor version of the interpreter, such as "3.11"."""
    requirements: tuple[str, ...] = ("pytest",)
    """pip requirement lines; with the toolchain "node", packages of npm. Pinned by whoever makes the task."""
    system_packages: tuple[str, ...] = ()
    """Debian package names; only backends with an image of their own can honour them."""
    pythonpath: tuple[str, ...] = (".",)
    """Folders below the workspace that are importable, such as "src"."""
    toolchain: str = ""
    """What the tests run with: "" (pytest), "node", "go" or "rust"."""

    @property
    def key(self) -> str:
        """Content hash of what is installed; two tasks with the same key share one set of dependencies."""
        text = "\n".join([self.python, *sorted(self.requirements), "--", *sorted(self.system_packages)])
        text += f"\n--\n{self.toolchain}" if self.toolchain else ""
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one sandbox may take from the host."""

    memory_mb: int = 2048
    """Memory for the whole sandbox where a cgroup can be had, else per process, in MiB."""
    processes: int = 256
    file_size_mb: int = 256
    """Largest single file, in MiB."""
    disk_mb: int = 512
    """Everything written below /workspace and /tmp together, in MiB."""
    inodes: int = 50_000
    """Files and folders created below /workspace and /tmp together."""
    open_files: int = 1024


@dataclass(frozen=True, slots=True)
class Completed:
    """How one command ended."""

    exit_code: int
    """The process's exit status; 128 + signal number when a signal ended it."""
    output: bytes
    """stdout and stderr as they interleaved; head and tail are kept, the cut is marked where `dropped_bytes` > 0."""
    duration_s: float
    timed_out: bool = False
    """The wall-clock limit ended it (its whole process tree is dead)."""
    dropped_bytes: int = 0
    runner: str = ""
    """Where a warm run of pytest was asked for: "warm", or "cold: " and why. The rest is the same either way."""

    @property
    def text(self) -> str:
        return self.output.decode("utf-8", "replace")

    @property
    def ok(self) -> bool:
        return self.exit_code == 0 and not self.timed_out


@dataclass(frozen=True, slots=True)
class File:
    """One regular file as bytes."""

    data: bytes
    mode: int = 0o644

    @property
    def executable(self) -> bool:
        return bool(self.mode & 0o100)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The file state of a sandbox at a moment, as the difference from its pristine repository.

    Only regular files are carried, as bytes; links, sockets, devices and names that are not UTF-8 are listed in
    `skipped` and never reach the host's file system. It can be restored into any backend's sandbox that was made
    from the same repository.
    """

    tree_hash: str
    """SHA-256 over every (path, executable bit, content hash), in path order: the name of this state."""
    base_hash: str
    """The same hash over the pristine repository."""
    changed: Mapping[str, File] = field(default_factory=lambda: MappingProxyType({}))
    """Workspace-relative POSIX path → content, for files added or altered."""
    removed: frozenset[str] = frozenset()
    skipped: tuple[str, ...] = ()

    @property
    def is_pristine(self) -> bool:
        return self.tree_hash == self.base_hash


@runtime_checkable
class Sandbox(Protocol):
    """An isolated copy of a repository in which commands run. One contract suite runs over every backend."""

    def run(
        self,
        command: str | list[str],
        *,
        timeout_s: float,
        cwd: str = ".",
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        max_output_bytes: int = MAX_OUTPUT_BYTES,
        link: LinkEnd | None = None,
        warm: bool = False,
    ) -> Completed:
        """Run a command (a string goes through `/bin/sh -c`) and wait for it.

        When it returns, no process that it started is alive: a sandbox carries files from one command to the
        next, never processes.

        Args:
            timeout_s: wall clock, in seconds. For as long as its processes stand ready and the machine has no
                processor for them its clock stands, up to twice this long more: a busy machine is nobody's fault.
            link: one end of a stream to another sandbox's command, on descriptors 3 (to read) and 4 (to write).
            warm: a plain `pytest …` or `python -m pytest …` may start from an interpreter that has pytest loaded,
                where that can make no difference but to the time. Not for grading: what ran before in the sandbox
                has then been near the process that decides.

        Raises:
            SandboxLost: the sandbox died; its files are gone.
            SandboxPathError: `cwd` is not a folder of the workspace.
        """
        ...

    def read(self, path: str, *, max_bytes: int = MAX_READ_BYTES) -> bytes:
        """Return a regular file's bytes. Paths are relative to the workspace, or absolute below it or /tmp."""
        ...

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Write a file atomically, making parent folders. Links are never followed out of the workspace."""
        ...

    def remove(self, path: str) -> None:
        """Delete a file of the workspace."""
        ...

    def files(self) -> tuple[str, ...]:
        """Paths of the workspace's regular files, sorted, caches (`__pycache__`, `.pytest_cache`) left out."""
        ...

    def snapshot(self) -> Snapshot: ...

    def restore(self, snapshot: Snapshot) -> None:
        """Bring the workspace to a snapshot's file state, exactly."""
        ...

    def fork(self) -> Sandbox:
        """A second, independent sandbox in the same file state."""
        ...

    def close(self) -> None:
        """End it. Idempotent; no process, mount, container or file of it survives."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


class SandboxFactory(Protocol):
    """One backend, ready to make sandboxes. Picklable: it opens nothing until the first `create`."""

    name: str
    """How users name it: "namespace" or "docker"."""

    def create(self, environment: Environment, repository: Path, *, limits: Limits | None = None) -> Sandbox:
        """A fresh sandbox over pristine files. Building what is missing may take a minute the first time.

        Raises:
            SandboxUnavailable: the backend cannot work here.
            ImageError: the environment could not be built.
        """
        ...
