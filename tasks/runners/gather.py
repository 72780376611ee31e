"""What the runners have in common: what is asked for, which time is left, and how results become a `TestReport`.

What they read was written by processes that ran the policy's code. It is bounded by the sandbox, and read line by line
with expressions that take linear time; what does not parse is passed over, so that its test counts as missing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from journeyman.sandbox.sandbox import WORKSPACE, Completed, Sandbox, SandboxPathError
from journeyman.sandbox.toolchain import MODULES
from journeyman.tasks.report import Crash, TestReport, TestResult

MAX_OUTPUT_BYTES = 4 * 1024 * 1024
"""Of one command; the middle of longer output is lost, and with it the results that stand there."""
KEPT_CHARS = 60_000
"""Of what one command printed, its end, for people to read."""
MESSAGE_LINES = 8
MAX_LINE = 300
"""Characters of one line of a message."""
MAX_TESTS = 20_000
"""Results of one run; what comes after is passed over."""
MODULES_BIN = f"{MODULES}/.bin"
NAMES = " > "
"""Between the names of suites and their tests."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tests to run."""

    ids: tuple[str, ...] | None = None
    """Exactly these; nothing else is reported."""
    targets: tuple[str, ...] = ()
    """Files, folders and ids; without `ids`, and empty, everything."""
    keyword: str = ""
    """Only tests whose id holds it."""

    @property
    def files(self) -> tuple[str, ...]:
        """Files and folders in which they stand; empty for everything."""
        named = self.targets if self.ids is None else self.ids
        return tuple(dict.fromkeys(str(PurePosixPath(each.partition("::")[0])) for each in named))

    def takes(self, id_: str) -> bool:
        """Whether a test is one of those."""
        if self.ids is not None:
            return id_ in self.ids
        named = [each for each in self.targets if "::" in each]
        inside = {each for each in self.files if not any(name.startswith(f"{each}::") for name in named)}
        path = id_.partition("::")[0]
        chosen = (
            not self.targets
            or any(_is_below(path, place) for place in inside)
            or any(id_ == name or id_.startswith((f"{name}{NAMES}", f"{name}/", f"{name}::")) for name in named)
        )
        return chosen and self.keyword in id_

    def holds(self, path: str) -> bool:
        """Whether tests of a file may be among them."""
        return not self.files or any(_is_below(path, place) for place in self.files)


def _is_below(path: str, place: str) -> bool:
    return place == "." or path == place or path.startswith(f"{place}/")


@dataclass(slots=True)
class Gathered:
    """One run while it goes on."""

    sandbox: Sandbox
    wanted: Wanted
    timeout_s: float
    """Wall clock of the whole run, in seconds."""
    variables: dict[str, str] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)
    results: dict[str, TestResult] = field(default_factory=dict)
    collected: list[str] = field(default_factory=list)
    broken: list[tuple[str, Crash]] = field(default_factory=list)
    output: list[str] = field(default_factory=list)
    timed_out: bool = False
    failed: bool = False
    """Something went wrong that no test tells."""

    def run(self, command: list[str], cwd: str = ".") -> Completed:
        """Run a command in the time that is left; without any, it times out at once."""
        left = max(0.1, self.begun + self.timeout_s - time.monotonic())
        done = self.sandbox.run(command, timeout_s=left, cwd=cwd, env=self.variables, max_output_bytes=MAX_OUTPUT_BYTES)
        self.timed_out = self.timed_out or done.timed_out
        self.output.append(done.text[-KEPT_CHARS:])
        return done

    def add(self, result: TestResult) -> None:
        """Note a test's result. A second one of the same test makes it suspect, and the worse of both counts."""
        if not self.wanted.takes(result.id) or len(self.collected) >= MAX_TESTS:
            return
        self.collected.append(result.id)
        before = self.results.get(result.id)
        if before is not None:
            kept = before if before.outcome != "passed" else result
            result = replace(kept, runs=before.runs + 1)
        self.results[result.id] = result

    def cannot(self, path: str, crash: Crash) -> None:
        """Note a file whose tests could not be run."""
        self.broken.append((path, crash))

    def report(self) -> TestReport:
        bad = self.failed or self.broken or any(r.outcome not in ("passed", "skipped") for r in self.results.values())
        return TestReport(
            results=tuple(self.results.values()),
            collected=tuple(self.collected),
            broken_files=tuple(self.broken),
            exit_status=None if self.timed_out else int(bool(bad)),
            timed_out=self.timed_out,
            output="\n".join(self.output),
            duration_s=time.monotonic() - self.begun,
        )


def report_file(suffix: str) -> str:
    """A place for a report that cannot be guessed."""
    return f"/tmp/journeyman-{secrets.token_hex(8)}.{suffix}"


def text_of(sandbox: Sandbox, path: str) -> str:
    """A file's text; empty where there is none, or it is too large."""
    try:
        return sandbox.read(path).decode("utf-8", "replace")
    except SandboxPathError:
        return ""


def message(lines: Iterable[str]) -> str:
    """The first lines that say something, none of them long."""
    said = [line.rstrip()[:MAX_LINE] for line in lines if line.strip()]
    return "\n".join(said[:MESSAGE_LINES])


def inside(path: str) -> str:
    """A path as the sandbox's commands print it, relative to the workspace."""
    return path.removeprefix("file://").removeprefix(f"{WORKSPACE}/").removeprefix("./")


def leaves(names: Sequence[tuple[str, str]], separator: str) -> tuple[str, ...]:
    """Of (name, outcome), the names of tests without tests of their own, and of others that alone went wrong."""
    bad = {name for name, outcome in names if outcome not in ("passed", "skipped")}
    parents, excused = set(), set()
    for name, _ in names:
        above = name
        while separator in above:
            above = above.rpartition(separator)[0]
            parents.add(above)
            if name in bad:
                excused.add(above)
    return tuple(name for name, _ in names if name not in parents or (name in bad and name not in excused))
