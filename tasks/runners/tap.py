"""The Test Anything Protocol, as node's own runner writes it (nested) and as tape does (flat)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from journeyman.sandbox.sandbox import WORKSPACE
from journeyman.tasks.report import Crash, TestResult
from journeyman.tasks.runners.gather import NAMES, inside, leaves, message

_POINT = re.compile(r"^( *)(not )?ok \d+(?: - | |$)(.*)$")
_SUBTEST = re.compile(r"^( *)# Subtest: (.*)$")
_PLAN = re.compile(r"^1\.\.\d+")
_FRAME = re.compile(rf"(?:file://)?({WORKSPACE}/[^\s:()]+):(\d+)(?::\d+)?")
_DIRECTIVE = re.compile(r"(?:^| )# (SKIP|TODO)\b.*$")
_KEY = re.compile(r"^ *(\w+): ?(.*)$")
_INDENT = 4
_FLAT_END = re.compile(r"^# (tests|pass|fail|ok)\b")


@dataclass(slots=True)
class _Point:
    """One `ok` or `not ok`."""

    depth: int
    name: str
    outcome: str
    details: dict[str, list[str]] = field(default_factory=dict)


def read_nested(text: str, file: str) -> list[TestResult]:
    """The tests of one run of node's runner: those without tests of their own, and others that alone went wrong."""
    found: list[tuple[str, TestResult]] = []
    waiting: list[tuple[int, str]] = []
    path: list[str] = []
    for kind, depth, name, point in _lines(text):
        if kind == "subtest":
            path[depth:] = [name]
            waiting.append((depth, NAMES.join(path)))
        elif point is not None and depth < len(path) and path[depth] == point.name:
            full = NAMES.join(path[: depth + 1])
            del path[depth + 1 :]
            found.append((full, _result(f"{file}::{full}", point, file)))
            waiting = [each for each in waiting if each != (depth, full)]
    kept = set(leaves([(name, result.outcome) for name, result in found], NAMES))
    results = [result for name, result in found if name in kept]
    began = [name for _, name in waiting]
    return results + [
        TestResult(f"{file}::{name}", "unfinished")
        for name in began
        if not any(other.startswith(f"{name}{NAMES}") for other in began)
    ]


def read_flat(text: str, file: str) -> list[TestResult]:
    """The tests of one run of tape: each comment begins one, its points decide; without a plan the last never ended."""
    results: list[TestResult] = []
    name, points, planned, numbers = "", list[_Point](), False, dict[str, int]()

    def close() -> None:
        if not name or not points:
            return
        numbers[name] = numbers.get(name, 0) + 1
        called = name if numbers[name] == 1 else f"{name} #{numbers[name]}"
        worst = next((point for point in points if point.outcome == "failed"), points[0])
        results.append(_result(f"{file}::{called}", worst, file))

    for line in text.splitlines():
        if _PLAN.match(line):
            planned = True
        elif line.startswith("# ") and not (planned and _FLAT_END.match(line)):
            close()
            name, points = line[2:].strip(), []
        elif match := _POINT.match(line):
            points.append(_Point(0, match[3], "failed" if match[2] else "passed"))
        elif points and line.startswith("  "):
            _detail(points[-1], line)
    close()
    if not planned and results and name:
        results[-1] = replace(results[-1], outcome="unfinished", crash=None)
    return results


def _lines(text: str) -> Iterable[tuple[str, int, str, _Point | None]]:
    """Subtests that begin, and points with their details, in order."""
    point: _Point | None = None
    in_block = False
    for line in text.splitlines():
        if in_block or (point is not None and line.strip() == "---"):
            in_block = line.strip() != "..."
            if point is not None and in_block:
                _detail(point, line)
            continue
        if point is not None and (_SUBTEST.match(line) or _POINT.match(line)):
            yield "point", point.depth, point.name, point
            point = None
        if match := _SUBTEST.match(line):
            yield "subtest", len(match[1]) // _INDENT, _plain(match[2]), None
        elif match := _POINT.match(line):
            skipped = _DIRECTIVE.search(match[3])
            outcome = "skipped" if skipped else "failed" if match[2] else "passed"
            point = _Point(len(match[1]) // _INDENT, _plain(_DIRECTIVE.sub("", match[3])), outcome)
    if point is not None:
        yield "point", point.depth, point.name, point


def _plain(name: str) -> str:
    return name.replace("\\#", "#").replace("\\\\", "\\").strip()


def _detail(point: _Point, line: str) -> None:
    """One line of a block: `key: value`, or more of the last key's text."""
    match = _KEY.match(line)
    if match and (match[1] in _KEYS or not point.details):
        point.details.setdefault(match[1], [match[2]] if match[2] not in ("|-", "|", ">-", ">") else [])
    elif point.details:
        next(reversed(point.details.values())).append(line.strip())


_KEYS = frozenset(
    {"duration_ms", "type", "location", "failureType", "error", "code", "name", "expected", "actual", "operator"}
    | {"stack", "at", "exitCode", "signal"}
)


def _result(id_: str, point: _Point, file: str) -> TestResult:
    seconds = _number(point.details.get("duration_ms", ["0"])) / 1000
    if point.outcome != "failed":
        return TestResult(id_, point.outcome, seconds)
    return TestResult(id_, "failed", seconds, _crash(point, file))


def _number(values: list[str]) -> float:
    try:
        return max(0.0, float(values[0]))
    except (ValueError, IndexError):
        return 0.0


def _crash(point: _Point, file: str) -> Crash:
    details = point.details
    said = [line.strip("'") for line in details.get("error", [])]
    if not said:
        said = [point.name] if point.depth == 0 else []
        said += [f"{key}: {' '.join(details[key])}" for key in ("expected", "actual") if key in details]
    text = "\n".join([*details.get("at", []), *details.get("stack", [])])
    return crash_of(said, text, file)


def crash_of(said: Iterable[str], stack: str, file: str) -> Crash:
    """Where a test broke, as the frames of a stack within the workspace tell; the test file's own comes first."""
    frames = [f"{inside(path)}:{line}" for path, line in _FRAME.findall(stack)]
    frames = list(dict.fromkeys(reversed(frames)))[:20]
    own = next((frame for frame in reversed(frames) if frame.startswith(f"{file}:")), "")
    place = own or (frames[-1] if frames else "")
    path, _, line = place.rpartition(":")
    return Crash(path, int(line) if line.isdigit() else 0, message(said), tuple(frames))
