"""Run a repository's tests in a sandbox and say what happened, test by test.

One fixed invocation serves the grader, the sources that make tasks and the policy's `test` action: pytest without
third-party plugins, with the repository's own ini file and conftest but not its `addopts`, hash seed fixed, no
bytecode written (an edit that keeps a file's size and second would run the old bytecode).

What comes back was written by a process that ran the policy's code: it is parsed as hostile data.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from journeyman.sandbox.inside.split.shared import SHARED
from journeyman.sandbox.inside.warm import REPORT
from journeyman.sandbox.link import LinkEnd
from journeyman.sandbox.sandbox import Completed, Sandbox, SandboxPathError

# Through a shell, so that the sandbox's own PYTHONPATH reaches the script but not the interpreter's start: otherwise
# a module of the workspace could be imported in place of the standard library's, before any test runs.
WITHOUT_PYTHONPATH = 'JOURNEYMAN_PYTHONPATH="$PYTHONPATH" PYTHONPATH='
COMMAND = REPORT
INSIDE = (
    WITHOUT_PYTHONPATH + """ exec /opt/env/bin/python -s -c 'import sys; sys.path[0] = "/opt/journeyman"; """
    """from inside.{module} import main; main()'"""
)
"""Runs a module of `sandbox/inside` in the same way."""
TESTS_SIDE, CODE_SIDE = (INSIDE.format(module=f"split.{side}") for side in ("run_tests", "serve"))
ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "TZ": "UTC"}
SHARED_FILES = {"TMPDIR": SHARED}
"""Where both sides of a split run have their temporary files."""
_RANK = ("passed", "xpassed", "xfailed", "skipped", "failed", "error")
WORDS = ("failed", "error", "unfinished", "passed", "skipped", "xfailed", "xpassed")
"""Every outcome that a test can have, as headlines order them."""
BROKEN = ("failed", "error", "unfinished")
"""The outcomes that need mending."""
_WITHOUT_WORDS = {"error": "never ran", "unfinished": "did not finish"}


@dataclass(frozen=True, slots=True)
class Subject:
    """Code under test that lies in another sandbox."""

    modules: tuple[str, ...]
    """Its top-level modules."""
    tests: tuple[str, ...]
    """Modules within them that are the tests' own."""
    link: LinkEnd


@dataclass(frozen=True, slots=True)
class Crash:
    """Where a test broke and what it said."""

    path: str
    """Relative to the workspace where it lies there."""
    line: int
    message: str
    """The assertion or exception, at most 8 lines."""
    frames: tuple[str, ...] = ()
    """`path:line` of the traceback, outermost first."""

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}" if self.path else ""


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test, all its phases together."""

    __test__ = False  # not a pytest class

    id: str
    outcome: str
    """`passed`, `failed`, `error` (set-up or tear-down), `skipped`, `xfailed`, `xpassed`, or `unfinished` (the run was
    cut short in it)."""
    duration_s: float = 0.0
    crash: Crash | None = None
    runs: int = 1
    """How often it was reported; more than once is nobody's honest test."""


@dataclass(frozen=True, slots=True)
class TestReport:
    """One run of tests."""

    __test__ = False  # not a pytest class

    results: tuple[TestResult, ...] = ()
    """In the order in which they ran."""
    collected: tuple[str, ...] = ()
    broken_files: tuple[tuple[str, Crash], ...] = ()
    """Files that could not be collected, with why."""
    exit_status: int | None = None
    """pytest's exit status; `None` when the run never came to its end."""
    timed_out: bool = False
    output: str = ""
    """What pytest and the tests printed, bounded by the sandbox."""
    duration_s: float = 0.0
    runner: str = ""
    """See `Completed.runner`."""
    peak_mb: float | None = field(default=None, compare=False)
    """The most memory that the process of the tests held, in MiB, as it says itself; None where it does not."""
    by_id: dict[str, TestResult] = field(default_factory=dict, init=False, repr=False, compare=False)
    suspect: frozenset[str] = field(default=frozenset(), init=False, repr=False)
    """Ids that were collected more than once, or reported without being collected."""

    def __post_init__(self) -> None:
        self.by_id.update((result.id, result) for result in self.results)
        times = Counter(self.collected)
        odd = {id_ for id_, n in times.items() if n > 1} | {id_ for id_ in self.by_id if not times[id_]}
        object.__setattr__(self, "suspect", frozenset(odd))

    @property
    def complete(self) -> bool:
        """The runner came to its end by itself."""
        return self.exit_status is not None and not self.timed_out

    def ids(self, *outcomes: str) -> tuple[str, ...]:
        """Ids with one of these outcomes, in order."""
        return tuple(result.id for result in self.results if result.outcome in outcomes)

    @property
    def passed(self) -> tuple[str, ...]:
        return self.ids("passed")

    @property
    def failed(self) -> tuple[str, ...]:
        return self.ids("failed")

    @property
    def errors(self) -> tuple[str, ...]:
        """Tests whose set-up or tear-down broke or that did not finish, and files that could not be collected."""
        return self.ids("error", "unfinished") + tuple(path for path, _ in self.broken_files)

    def headline(self) -> str:
        """One line, such as "2 failed, 5 passed"."""
        counts = {word: len(self.ids(word)) for word in WORDS}
        counts["error"] += len(self.broken_files)
        parts = [f"{n} {word}{'s' if word == 'error' and n > 1 else ''}" for word, n in counts.items() if n]
        text = ", ".join(parts) or "no tests ran"
        if self.timed_out:
            return f"{text}; timed out after {self.duration_s:.0f} s"
        return text if self.complete else f"{text}; the test process died before its end"

    def summary(self, max_failures: int = 3) -> str:
        """The headline, then id, place and message of the first failures: what a policy needs to go on."""
        crashes = [(path, crash) for path, crash in self.broken_files]
        broken = [result for result in self.results if result.outcome in BROKEN]
        crashes += [(r.id, r.crash or Crash("", 0, _WITHOUT_WORDS.get(r.outcome, r.outcome))) for r in broken]
        lines = [self.headline()]
        for name, crash in crashes[:max_failures]:
            places = list(crash.frames) or [place for place in [crash.place] if place]
            lines.append(f"FAILED {name}")
            lines += [f"  at {' > '.join(places)}"] if places else []
            lines += [f"  {line}" for line in crash.message.splitlines()]
        if left := len(crashes) - max_failures:
            lines += [f"… and {left} more"] if left > 0 else []
        if not crashes and self.exit_status not in (0, None):
            lines += self.output.strip().splitlines()[-5:]
        return "\n".join(lines)


def run_tests(
    sandbox: Sandbox,
    *,
    ids: Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
    timeout_s: float,
    subject: Subject | None = None,
    warm: bool = False,
) -> TestReport:
    """Run exactly the tests `ids`, or what `target` names, or everything that the repository's settings collect.

    `target` is a file, a folder, a node id or `-k EXPRESSION`, or several files, folders and node ids. Bad targets
    are no exception: the report has exit status 4 and pytest's words.

    `subject` says that the code under test is not here but at the other end of a link. `warm` is never for grading:
    see `Sandbox.run`.

    Raises:
        SandboxLost: the sandbox died; whether the code under test did it is the caller's question.
        ValueError: both `ids` and `target` are given.
    """
    if ids is not None and target is not None:
        raise ValueError("give either ids or target")
    targets, keyword = _read_target(target)
    spec = test_spec(ids, targets, keyword)
    spec["subject"] = subject and {"names": subject.modules, "tests": subject.tests, "timeout": timeout_s}
    end = None if subject is None else subject.link
    env = ENVIRONMENT if subject is None else {**ENVIRONMENT, **SHARED_FILES}
    command = COMMAND if subject is None else TESTS_SIDE
    stdin = json.dumps(spec).encode()
    completed = sandbox.run(command, timeout_s=timeout_s, env=env, stdin=stdin, link=end, warm=warm)
    try:
        data = sandbox.read(spec["report"])
    except SandboxPathError:  # it never began, or the code under test removed it or made it huge
        data = b""
    return read_report(data, completed)


def test_spec(ids: Sequence[str] | None, targets: Sequence[str] = (), keyword: str = "") -> dict[str, Any]:
    """What `pytest_report` is told; the report's place cannot be guessed."""
    place = f"/tmp/journeyman-{secrets.token_hex(8)}.jsonl"
    return {
        "report": place,
        "ids": None if ids is None else list(ids),
        "targets": list(targets),
        "keyword": keyword,
        "subject": None,
    }


def _read_target(target: str | Sequence[str] | None) -> tuple[list[str], str]:
    if target is None:
        return [], ""
    if not isinstance(target, str):
        return list(target), ""
    if target.startswith("-k"):
        return [], target[2:].lstrip("= ").strip().strip("'\"")
    return [target.strip()], ""


def read_report(data: bytes, completed: Completed) -> TestReport:
    """Put the records of one run together. Lines that are not records are passed over: a killed run ends in one."""
    phases: dict[str, list[dict[str, Any]]] = {}
    collected: list[str] = []
    broken: list[tuple[str, Crash]] = []
    exit_status: int | None = None
    peak_kib: object = None
    ended = False
    for record in _records(data):
        match record:
            case {"kind": "collected", "ids": list(ids)}:
                collected += [i for i in ids if isinstance(i, str)]
            case {"kind": "collect_error", "path": str(path)}:
                broken.append((path, _crash(record) or Crash(path, 0, "could not be collected")))
            case {"kind": "phase", "id": str(id_), "when": str(), "outcome": str()}:
                phases.setdefault(id_, []).append(record)
            case {"kind": "end", "exit": int(status)} if not ended:
                exit_status, ended, peak_kib = status, True, record.get("peak_kib")
                continue
        if ended:  # the end is the last word of an honest run
            exit_status = None
    return TestReport(
        results=tuple(_result(id_, records) for id_, records in phases.items()),
        collected=tuple(collected),
        broken_files=tuple(broken),
        exit_status=exit_status,
        timed_out=completed.timed_out,
        output=completed.text,
        duration_s=completed.duration_s,
        runner=completed.runner,
        peak_mb=round(peak_kib / 1024, 1) if isinstance(peak_kib, int) and peak_kib > 0 else None,
    )


def _records(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.decode("utf-8", "replace").splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            yield record


def _crash(record: dict[str, Any]) -> Crash | None:
    match record.get("crash"):
        case {"path": str(path), "line": int(line), "message": str(message), "frames": list(frames)}:
            return Crash(path, line, message, tuple(str(frame) for frame in frames))
    return None


def _result(id_: str, records: Iterable[dict[str, Any]]) -> TestResult:
    """The worst of the phases decides; what passed has each of them once, in their order."""
    worst, duration, crash, calls, runs, ended = "passed", 0.0, None, 0, 0, False
    for record in records:
        when, outcome = record["when"], record["outcome"]
        calls += when == "call"
        runs += when == "setup"
        ended = ended or when == "teardown"
        if outcome == "failed" and when != "call":
            outcome = "error"
        if outcome not in _RANK:
            outcome = "error"
        if _RANK.index(outcome) > _RANK.index(worst):
            worst, crash = outcome, _crash(record)
        if isinstance(record.get("duration"), int | float):
            duration += record["duration"]
    if worst == "passed" and [record["when"] for record in records] != ["setup", "call", "teardown"]:
        worst = "error"
    if not ended:
        worst, crash = "unfinished", None
    return TestResult(id_, worst, duration, crash, max(runs, calls))
