"""Runs inside the sandbox, with the standard library and pytest alone; nothing on the host imports it.

    python probe.py SPEC.json RECORDS.jsonl

`{"mode": "baseline", "targets": [...], "trace": true, "limit_s": 10}` runs whole test files once and records for
each test how it ended, how long it took and, when traced, which functions of the workspace it entered; before them,
which functions run while the test files are imported. With `"only": [...]` no other tests of them run, with
`"without": [...]` all but these. Before a test runs it is told that it begins: so one that ends the session is known.

`{"mode": "mutants", "mutants": [{"key", "path", "source", "tests"}], "timeout_s": 10}` writes each mutant's file in
turn and runs its tests in a forked child: pytest is imported once, the library anew each time. Then the pristine file
is put back.

One record a line; a line cut short means that the run was ended there.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import select
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

WORKSPACE = "/workspace/"
OPTIONS = [
    "-q",
    "--no-header",
    "--continue-on-collection-errors",
    "--tb=short",
    "-p",
    "no:cacheprovider",
    "-o",
    "addopts=",
    "-o",
    "xfail_strict=false",
]
HIGH = 100
MEMORY = 2 * 1024**3  # bytes a mutant may take: one that builds an endless list must not take the machine


class Recorder:
    """A pytest plugin that keeps what `mint` needs to know of each test."""

    def __init__(
        self,
        write: Any,
        wanted: set[str] | None = None,
        trace: bool = False,
        limit_s: float = 0.0,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.write, self.wanted, self.trace, self.limit_s, self.without = write, wanted, trace, limit_s, without
        self.record: dict[str, Any] = {}
        self.seen: set[Any] = set()
        self.places: dict[tuple[str, int], int] = {}
        self.interruptible = False

    def start_trace(self) -> None:
        self.seen = set()
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)

    def end_trace(self) -> list[int]:
        """The numbers of the functions that ran meanwhile."""
        sys.setprofile(None)
        threading.setprofile(None)
        entered = {(code.co_filename, code.co_firstlineno) for code in self.seen}
        return sorted(self._number(*place) for place in entered if place[0].startswith(WORKSPACE))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self.wanted is not None:
            items[:] = [item for item in items if item.nodeid in self.wanted]
        items[:] = [item for item in items if item.nodeid not in self.without]

    def pytest_collection_finish(self) -> None:
        if self.trace:
            self.write({"kind": "import", "functions": self.end_trace()})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.write({"kind": "broken", "path": report.nodeid, "message": str(report.longrepr)[-400:]})

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self.record = {"kind": "test", "id": item.nodeid, "outcome": "passed", "duration_s": 0.0}
        if self.limit_s:
            self.write({"kind": "begun", "id": item.nodeid})
        if self.trace:
            self.start_trace()
        signal.setitimer(signal.ITIMER_REAL, self.limit_s, 1.0)
        yield
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self.trace:
            self.record["functions"] = self.end_trace()
        self.write(self.record)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Any:
        yield from self._within()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Any:
        yield from self._within()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Any:
        yield from self._within()

    def _within(self) -> Any:
        self.interruptible = True
        yield
        self.interruptible = False

    def too_long(self, _signal: int, _frame: object) -> None:
        """A test that waits for what a sandbox does not have (a network, a terminal) must not hold up all others.

        Between its parts it is pytest that runs, and the exception would end the whole session; the signal comes again.
        """
        if self.interruptible:
            raise TooLong

    def _number(self, path: str, line: int) -> int:
        """A function's number; it is told once, because thousands of tests enter the same ones."""
        known = len(self.places)
        number = self.places.setdefault((path, line), known)
        if number == known:
            self.write({"kind": "place", "n": number, "path": path.removeprefix(WORKSPACE), "line": line})
        return number

    def _profile(self, frame: Any, event: str, _arg: object) -> None:
        if event == "call":
            self.seen.add(frame.f_code)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        report = (yield).get_result()
        self.record["duration_s"] += report.duration
        if self.record["outcome"] != "passed" or report.passed:
            return
        if report.skipped:
            self.record["outcome"] = "skipped"
            return
        self.record["outcome"] = "failed" if report.when == "call" else "error"
        if call.excinfo is not None:
            self.record.update(_failure(call.excinfo, report))


def _failure(excinfo: pytest.ExceptionInfo[BaseException], report: pytest.TestReport) -> dict[str, Any]:
    frames: list[list[Any]] = [
        [str(entry.path).removeprefix(WORKSPACE), entry.lineno + 1, entry.frame.code.name]
        for entry in excinfo.traceback
    ]
    crash = getattr(report.longrepr, "reprcrash", None)
    message = crash.message if crash is not None else excinfo.exconly()
    return {
        "exception": excinfo.typename,
        "message": str(message)[:2000],
        "frames": [frame for frame in frames if not str(frame[0]).startswith("/")][-30:],
    }


def run(targets: list[str], recorder: Recorder) -> int:
    return int(pytest.main([*OPTIONS, *targets], plugins=[recorder]))


class TooLong(BaseException):
    """The test took too long; no `except Exception` of it, or of the library, may take that for its own trouble."""


def baseline(spec: dict[str, Any], write: Any) -> None:
    only = set(spec["only"]) if "only" in spec else None
    recorder = Recorder(write, only, spec["trace"], spec["limit_s"], frozenset(spec["without"]))
    signal.signal(signal.SIGALRM, recorder.too_long)
    if spec["trace"]:
        recorder.start_trace()  # before pytest imports a conftest, which may import the library
    status = run(spec["targets"], recorder)
    write({"kind": "end", "exit": status})


def mutants(spec: dict[str, Any], write: Any) -> None:
    """Bytecode is not written: a mutant of the same size within the same second would run the last one's."""
    sys.dont_write_bytecode = True
    for number, mutant in enumerate(spec["mutants"]):
        file = Path(WORKSPACE) / mutant["path"]
        pristine, stat = file.read_bytes(), file.stat()
        # Another second than that of any bytecode made before.
        _put(file, mutant["source"].encode("utf-8", "surrogateescape"), stat.st_mtime + 10 + number)
        begun = time.monotonic()
        try:
            records, ended = _in_child(mutant["tests"], spec["timeout_s"])
        finally:
            _put(file, pristine, stat.st_mtime)
        write({"kind": "mutant", "key": mutant["key"], "ended": ended, "tests": records, "s": time.monotonic() - begun})


def _put(file: Path, data: bytes, date: float) -> None:
    """Put a file of our own in a file's place: the pristine one may be somebody else's, whose date we cannot set."""
    new = file.with_name(f".{file.name}.new")
    new.write_bytes(data)
    os.utime(new, (date, date))
    new.replace(file)


def _in_child(tests: list[str], timeout_s: float) -> tuple[list[dict[str, Any]], str]:
    """Run tests in a child; its records and how it ended: "done", "timeout" or "died"."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _be_the_child(tests, writer)
    os.close(writer)
    data, ended = b"", "died"
    deadline = time.monotonic() + timeout_s
    while True:
        ready, _, _ = select.select([reader], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            ended = "timeout"
            break
        chunk = os.read(reader, 65536)
        if not chunk:
            break
        data += chunk
    os.close(reader)
    for kill in (os.kill, os.killpg):  # the child may not yet lead a group of its own
        with contextlib.suppress(ProcessLookupError):
            kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    records = [json.loads(line) for line in data.split(b"\n")[:-1]]
    if records and records[-1].get("kind") == "end":
        records.pop()
        ended = "done"
    return records, ended


def _be_the_child(tests: list[str], writer: int) -> None:
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)

        def write(record: dict[str, Any]) -> None:
            os.write(writer, json.dumps(record).encode() + b"\n")

        # Parameters are cut off the targets (they may hold any character); the recorder picks the exact ids.
        targets = list(dict.fromkeys(test.partition("[")[0] for test in tests))
        write({"kind": "end", "exit": run(targets, Recorder(write, wanted=set(tests)))})
    finally:
        os._exit(0)


def main() -> None:
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # Out of the way of tests that take low descriptors for their own, and close them.
    records_file = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    with os.fdopen(fcntl.fcntl(records_file, fcntl.F_DUPFD_CLOEXEC, HIGH), "w", encoding="utf-8") as records:
        os.close(records_file)

        def write(record: dict[str, Any]) -> None:
            records.write(json.dumps(record) + "\n")
            records.flush()

        {"baseline": baseline, "mutants": mutants}[spec["mode"]](spec, write)


if __name__ == "__main__":
    main()
    os._exit(0)  # a thread that a test left behind must not keep us waiting
