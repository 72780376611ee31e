"""Run pytest inside a sandbox and write what happened, test by test, as JSON lines.

Started as a script, `python -s /opt/journeyman/inside/pytest_report.py`, with one JSON object on standard input:

    {"report": "/tmp/…",      where to write
     "ids": [...] | null,     run exactly these node ids
     "targets": [...],        else: files, folders or node ids
     "keyword": "...",        and a `-k` expression
     "subject": {"names": [...], "tests": [...], "timeout": s} | null}     for `split/run_tests.py`

It imports pytest and what pytest needs *before* the workspace becomes importable, so that a file of the workspace
named like one of those modules cannot take its place. A selection by ids collects only the files that hold them and
drops the rest: no argument list grows with the number of tests. A file that cannot be collected, or is not there,
costs its own tests only.

Records, in this order, each flushed at once so that a killed run keeps what it had:

    {"kind": "collected", "ids": [...]}
    {"kind": "collect_error", "path": ..., "crash": {...}}
    {"kind": "phase", "id": ..., "when": "setup" | "call" | "teardown", "outcome": ..., "duration": s, "crash": {...}}
    {"kind": "end", "exit": pytest's exit status, "peak_kib": the most memory that this process held, 0: unknown}

A phase's outcome is `passed`, `failed`, `skipped`, `xfailed` or `xpassed`. Standard library and pytest only.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_MESSAGE_LINES = 8
MAX_MESSAGE_CHARS = 1000
MAX_FRAMES = 6
WORKSPACE = Path.cwd()

# What the repository's own settings must not decide: `addopts` may name plugins that are not loaded here.
FIXED = ["-q", "--tb=short", "--no-header", "--continue-on-collection-errors", "-p", "no:cacheprovider"]
OVERRIDES = ["-o", "addopts=", "-o", "required_plugins=", "-o", "log_cli=false"]


def relative(path: object) -> str:
    """A path as the workspace's commands would name it."""
    try:
        return Path(str(path)).resolve().relative_to(WORKSPACE).as_posix()
    except ValueError:
        return str(path)


def crash_of(longrepr: Any) -> dict[str, Any] | None:
    """Where it crashed and what it said, bounded: the deepest place, the message, the frames, outermost first."""
    if longrepr is None:
        return None
    place = getattr(longrepr, "reprcrash", None)
    entries = getattr(getattr(longrepr, "reprtraceback", None), "reprentries", [])
    frames = [e.reprfileloc for e in entries if getattr(e, "reprfileloc", None) is not None]
    said = [line[1:].strip() for e in entries[-1:] for line in getattr(e, "lines", []) if line.startswith("E ")]
    places = [f"{relative(frame.path)}:{frame.lineno}" for frame in frames]
    if not entries:  # a module that could not be imported: there is only text, in the same form
        text = str(longrepr)
        said = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")] or text.splitlines()
        places = [relative(path) + ":" + line for path, line in re.findall(r"(?m)^(\S+):(\d+): in ", text)]
        places = [where for where in places if not where.startswith("/")]
    said = said or (place.message.splitlines() if place is not None else [])
    return {
        "path": relative(place.path) if place is not None else "",
        "line": int(place.lineno) if place is not None else 0,
        "message": "\n".join(said[:MAX_MESSAGE_LINES])[:MAX_MESSAGE_CHARS],
        "frames": places[-MAX_FRAMES:],
    }


def outcome_of(report: pytest.TestReport) -> str:
    """pytest's word, with expected failures told apart from passes and skips."""
    if hasattr(report, "wasxfail"):
        return {"skipped": "xfailed", "passed": "xpassed"}.get(report.outcome, "failed")
    return report.outcome


class Reporter:
    """The plugin: selects what to run, and writes the records. What `doubt` says of a test fails it."""

    def __init__(self, stream: TextIO, ids: list[str] | None, doubt: Callable[[], str] = str) -> None:
        self.stream = stream
        self.doubt = doubt
        self.ids = None if ids is None else frozenset(ids)

    def write(self, kind: str, **fields: Any) -> None:
        self.stream.write(json.dumps({"kind": kind, **fields}) + "\n")
        self.stream.flush()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        if self.ids is not None:
            left_out = [item for item in items if item.nodeid not in self.ids]
            items[:] = [item for item in items if item.nodeid in self.ids]
            if left_out:
                config.hook.pytest_deselected(items=left_out)
        self.write("collected", ids=[item.nodeid for item in items])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.write("collect_error", path=report.nodeid, crash=crash_of(report.longrepr))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        crash = crash_of(report.longrepr) if report.failed else None
        self.write(
            "phase",
            id=report.nodeid,
            when=report.when,
            outcome="failed" if self.doubt() else outcome_of(report),
            duration=round(report.duration, 4),
            crash=crash,
        )


def files_of(ids: list[str]) -> list[str]:
    """The files that hold these node ids, those that exist, in order of first mention."""
    return [path for path in dict.fromkeys(i.split("::", 1)[0] for i in ids) if Path(path).exists()]


def make_importable(pythonpath: str) -> None:
    """Put the workspace's folders first, for this process and for those that tests start."""
    entries = [entry for entry in pythonpath.split(os.pathsep) if entry] or [str(WORKSPACE)]
    own = Path(__file__).resolve().parent
    sys.path[:] = entries + [entry for entry in sys.path if entry not in (str(own), str(own.parent))]
    os.environ["PYTHONPATH"] = os.pathsep.join(entries)


def peak_kib() -> int:
    """The most memory that this process held at a time, in KiB; `getrusage` would count what started it as well."""
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"), re.M)
    except (OSError, ValueError):
        return 0
    return int(found[1]) if found else 0


def main(split_off: Callable[[dict[str, Any], list[str]], Any] | None = None) -> int:
    """Run what standard input asks for. `split_off` makes a link's other end the code under test."""
    spec = json.load(sys.stdin)
    ids: list[str] | None = spec["ids"]
    paths = files_of(ids) if ids is not None else list(spec["targets"])
    make_importable(os.environ.pop("JOURNEYMAN_PYTHONPATH", ""))
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    arguments = [*FIXED, *OVERRIDES, f"--rootdir={WORKSPACE}"]
    split = None
    if split_off is not None:
        split = split_off(spec["subject"], paths)
        arguments += ["--import-mode=importlib"]  # packages that hold both code and tests are put together
    if spec["keyword"]:
        arguments += ["-k", spec["keyword"]]
    with Path(spec["report"]).open("w", encoding="utf-8") as stream:
        reporter = Reporter(stream, ids) if split is None else Reporter(stream, ids, split.doubt)
        if ids is not None and not paths:
            reporter.write("collected", ids=[])
            status = int(pytest.ExitCode.NO_TESTS_COLLECTED)
        else:
            status = int(pytest.main([*arguments, "--", *paths], plugins=[reporter, *([split] if split else [])]))
        reporter.write("end", exit=status, peak_kib=peak_kib())
    return status


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads and exit handlers of the code under test have no say in how the run ends.
    os._exit(status)
