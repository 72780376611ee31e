"""Go's tests: `go test -json`, one folder (a package) at a time.

Ids are `stream/read_test.go::TestRead/empty`: the file that declares the function, and the subtest's name as go has it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from journeyman.tasks.report import Crash, TestResult
from journeyman.tasks.runners.gather import Gathered, leaves, message, text_of

VARIABLES = {
    "GOCACHE": "/tmp/go-build", "GOPATH": "/tmp/go", "GOPROXY": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local",
    "GOSUMDB": "off", "GONOSUMDB": "*", "CGO_ENABLED": "0", "GOTELEMETRY": "off", "TZ": "UTC",
}  # fmt: skip
_TEST = re.compile(r"^func (Test\w*|Example\w*|Fuzz\w*)\(", re.MULTILINE)
_PLACE = re.compile(r"^\s*(?:\./)?([\w./-]+\.go):(\d+)(?::\d+)?: (.*)$")
_TRACE = re.compile(r"^\s*/workspace/([\w./-]+\.go):(\d+)")
_FRAMING = re.compile(r"^\s*(=== (RUN|PAUSE|CONT|NAME)|--- (PASS|FAIL|SKIP)|PASS$|FAIL\b|ok\s)")
_OUTCOMES = {"pass": "passed", "fail": "failed", "skip": "skipped"}


@dataclass(slots=True)
class _Test:
    """What was told of one test."""

    outcome: str = "unfinished"
    seconds: float = 0.0
    ends: int = 0
    said: list[str] = field(default_factory=list)


def run_go(gathered: Gathered) -> None:
    """Run the folders that hold wanted tests, one after the other, until the time is up."""
    gathered.variables |= VARIABLES
    for folder, files in test_folders(gathered).items():
        if gathered.timed_out:
            return
        where = {name: file for file in files for name in tests_in(text_of(gathered.sandbox, file))}
        chosen = [name for name, file in where.items() if gathered.wanted.holds(file)]
        if gathered.wanted.ids is not None:
            tops = {id_.partition("::")[2].partition("/")[0] for id_ in gathered.wanted.ids}
            chosen = [name for name in chosen if name in tops]
        if not chosen:
            continue
        run = [] if len(chosen) == len(where) else [f"-run=^({'|'.join(map(re.escape, chosen))})$"]
        done = gathered.run(["go", "test", "-json", "-vet=off", "-count=1", *run, f"./{folder}"])
        tests, rest = read_events(done.text)
        for result in results(tests, where, folder):
            gathered.add(result)
        if not tests and not done.timed_out:
            gathered.cannot(folder, _not_built(rest, folder))


def test_folders(gathered: Gathered) -> dict[str, list[str]]:
    """Folder → its test files, for those that may hold wanted tests."""
    found: dict[str, list[str]] = {}
    for file in gathered.sandbox.files():
        pure = PurePosixPath(file)
        if file.endswith("_test.go") and not {"testdata", "vendor"} & set(pure.parts):
            found.setdefault(str(pure.parent), []).append(file)
    return {folder: files for folder, files in found.items() if any(map(gathered.wanted.holds, files))}


def tests_in(source: str) -> list[str]:
    """Names of the functions of a test file that `go test` runs."""
    return _TEST.findall(source)


def read_events(text: str) -> tuple[dict[str, _Test], list[str]]:
    """Each test's events put together, and the lines that belong to no test."""
    tests: dict[str, _Test] = {}
    rest: list[str] = []
    for line in text.splitlines():
        event = _event(line)
        if event is None:
            rest.append(line)
            continue
        match event:
            case {"Test": str(name), "Action": "run"}:
                tests.setdefault(name, _Test())
            case {"Test": str(name), "Action": "output", "Output": str(said)}:
                if not _FRAMING.match(said):
                    tests.setdefault(name, _Test()).said.append(said.rstrip("\n"))
            case {"Test": str(name), "Action": "pass" | "fail" | "skip" as action}:
                test = tests.setdefault(name, _Test())
                test.ends += 1
                # Told twice, and differently: the worse of both.
                if test.outcome != "failed":
                    test.outcome = _OUTCOMES[action]
                seconds = event.get("Elapsed")
                test.seconds = float(seconds) if isinstance(seconds, int | float) else 0.0
            case {"Output": str(said)}:
                rest.append(said.rstrip("\n"))
    return tests, rest


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def results(tests: dict[str, _Test], where: dict[str, str], folder: str) -> Iterator[TestResult]:
    """The results of one folder: of tests without subtests, and of others that alone went wrong."""
    kept = leaves([(name, test.outcome) for name, test in tests.items()], "/")
    for name in kept:
        if (file := where.get(name.partition("/")[0])) is None:
            continue
        test = tests[name]
        crash = _crash(test.said, folder) if test.outcome in ("failed", "unfinished") else None
        result = TestResult(f"{file}::{name}", test.outcome, test.seconds, crash)
        for _ in range(max(1, test.ends)):
            yield result


def _crash(said: list[str], folder: str) -> Crash:
    """Where a test's first complaint stands, or its panic came from."""
    frames = [f"{match[1]}:{match[2]}" for line in said if (match := _TRACE.match(line))]
    panic = next((line for line in said if line.startswith("panic: ")), "")
    for number, line in enumerate(said):
        if not panic and (match := _PLACE.match(line)):
            path = _below(folder, match[1])
            more = [text.strip() for text in said[number + 1 :]]
            return Crash(path, int(match[2]), message([match[3], *more]), (f"{path}:{match[2]}",))
    own = next((frame for frame in frames if "_test.go:" in frame), frames[0] if frames else "")
    path, _, number_ = own.rpartition(":")
    text = [panic.removesuffix(" [recovered]")] if panic else said
    return Crash(path, int(number_ or 0), message(text), tuple(reversed(frames[:20])))


def _below(folder: str, path: str) -> str:
    return str(PurePosixPath(folder) / path)


def _not_built(lines: list[str], folder: str) -> Crash:
    """Why a package's tests could not begin: the compiler's first complaint."""
    for line in lines:
        if match := _PLACE.match(line):
            return Crash(match[1], int(match[2]), message([match[3]]))
    said = [line for line in lines if line.strip() and not line.startswith(("FAIL", "#"))]
    return Crash(folder, 0, message(said) or "no test ran")
