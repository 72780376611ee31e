"""What every tool shares: the protocol, its result, and the workspace that it works on.

A tool that cannot do what was asked raises `Refused`; its message is what the policy reads. Nothing else that a
policy writes may raise.
"""

from __future__ import annotations

import posixpath
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Protocol

from journeyman.envs.claims import Finding
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Step, TestRun
from journeyman.envs.tools.textfile import TextFile
from journeyman.sandbox.sandbox import WORKSPACE, Sandbox, SandboxError, SandboxLost, SandboxPathError, Snapshot
from journeyman.tasks.task import Task


class Refused(Exception):
    """The action cannot be done. The message goes to the policy: what was wrong, and what would do."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool has to say."""

    text: str
    ok: bool = True
    tests: TestRun | None = None
    runner: str = ""
    """How a test run was started; see `Completed.runner`. Not for the policy: it must make no difference."""
    findings: tuple[Finding, ...] = ()
    output: str = ""
    """All that a command or a test run printed, where the text does not hold it. For the record alone."""


@dataclass(slots=True)
class Workspace:
    """The sandbox with what the tools need to know around it. One for each episode."""

    sandbox: Sandbox
    task: Task
    config: EnvConfig
    snapshot: Snapshot
    """File state after the last action."""
    steps: list[Step] = field(default_factory=list)
    """The record so far."""
    deadline: float = field(default=float("inf"))
    """When the episode's time is over, on `clock`."""
    clock: Callable[[], float] = time.monotonic

    def command_timeout_s(self) -> float:
        """Wall clock for one command: the task's limit, or what is left of the episode (at least a second)."""
        return max(1.0, min(self.task.budget.command_timeout_s, self.deadline - self.clock()))

    def read(self, path: str) -> TextFile:
        """A file as text.

        Raises:
            Refused: there is no such file (names the nearest), or it is not text.
        """
        path = workspace_path(path)
        try:
            file = TextFile.parse(self.sandbox.read(path))
        except SandboxPathError as error:
            raise Refused(self._why_unreadable(path)) from error
        if file is None:
            raise Refused(f"{path} is a binary file")
        return file

    def write(self, path: str, file: TextFile) -> None:
        """Write a text file.

        Raises:
            Refused: the path cannot be written.
        """
        try:
            self.sandbox.write(path, file.encode(), mode=self._mode(path))
        except SandboxPathError as error:
            raise Refused(f"{path} cannot be written: a folder or a link is in the way") from error
        except SandboxLost:
            raise
        except SandboxError as error:
            raise Refused(f"{path} cannot be written: the sandbox's disk is full, or the name is too long") from error

    def files_below(self, folder: str) -> list[str]:
        """Paths of the files below a folder ("." is the repository), sorted."""
        files = self.sandbox.files()
        return list(files) if folder == "." else [path for path in files if path.startswith(folder + "/")]

    def _mode(self, path: str) -> int:
        """A file keeps its mode; a new one is plain."""
        if (changed := self.snapshot.changed.get(path)) is not None:
            return changed.mode
        try:
            return stat.S_IMODE((self.task.repository / path).stat().st_mode)
        except OSError:  # not there, or a name that cannot be
            return 0o644

    def _why_unreadable(self, path: str) -> str:
        files = self.sandbox.files()
        if any(file.startswith(path + "/") for file in files) or path == ".":
            return f"{path} is a folder"
        if path in files:
            return f"{path} cannot be read as a file"
        return f"no file {path}{did_you_mean(path, files)}"


class Tool(Protocol):
    """One kind of action. Holds no state: what it must remember stands in the workspace."""

    mutates: bool
    """Whether it may change files: then the record takes a snapshot after it."""
    runs_code: bool
    """Whether code that the policy wrote may run: a sandbox that dies meanwhile died of the policy's doing."""

    def apply(self, arguments: Any, workspace: Workspace) -> ToolResult:
        """Do it. `arguments` is the tool's model of `journeyman.envs.actions`.

        Raises:
            Refused: it cannot be done; the message is the observation.
            SandboxLost: the sandbox died.
        """
        ...


def workspace_path(path: str) -> str:
    """A policy's path relative to the repository, in its plainest form; "." is the repository itself.

    Raises:
        Refused: it leaves the repository.
    """
    plain = posixpath.normpath(path.strip() or ".")
    if plain == WORKSPACE or plain.startswith(WORKSPACE + "/"):
        plain = plain[len(WORKSPACE) + 1 :] or "."
    if plain.startswith("/") or plain.split("/")[0] == ".." or "\x00" in plain:
        raise Refused(f"{path} is outside the repository; give a path relative to it")
    return plain


def did_you_mean(wrong: str, names: Sequence[str], *, limit: int = 3) -> str:
    """ "; did you mean a, b?" with the nearest names, compared whole and by their last part; or nothing."""
    by_part = {part: name for name in reversed(names) for part in (_last_part(name), name)}
    same = [name for name in names if _last_part(name) == _last_part(wrong)]
    near = [by_part[part] for part in get_close_matches(_last_part(wrong), by_part, n=2 * limit, cutoff=0.6)]
    found = list(dict.fromkeys([*same, *near]))[:limit]
    return f"; did you mean {', '.join(found)}?" if found else ""


def _last_part(name: str) -> str:
    """A path's file, a dotted name's last name."""
    return name.rsplit("/", 1)[-1] if "/" in name or name.endswith(".py") else name.rsplit(".", 1)[-1]
