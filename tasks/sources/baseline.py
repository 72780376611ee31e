"""What a library's own tests do on its pristine files: which can be relied on, which functions each of them enters."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any

from journeyman.sandbox.sandbox import Sandbox, SandboxPathError
from journeyman.tasks.detect.needs import missing_in
from journeyman.tasks.sources.library import Library
from journeyman.tasks.sources.sdist import SourceError

RUNS = 3
SLOWEST_S = 1.0
"""A test that takes longer is left out: a mutant's tests must come back within a breath."""
LIMIT_S = 10.0
"""A test that takes longer is ended; tracing slows it several times."""
RUN_TIMEOUT_S = 300.0
DOWN = "ends the run"
MOST_DOWNED = 5
"""Tests that may end the whole run, each of which has it begun anew."""
MOST_MISSING = 30
"""Missing modules that are told of: what tests say is not to be trusted to be short."""
MAX_RECORDS = 64 * 1024 * 1024
PROBE = "/tmp/journeyman_probe.py"
SPEC, RECORDS = "/tmp/journeyman_spec.json", "/tmp/journeyman_records.jsonl"
# Without the plugins of others and with one hash seed, as the grader will run them. Bytecode is written, though: the
# measured run leaves that of all tests for the mutants' runs, which write none (an empty value means unset).
VARIABLES = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": ""}


class NoTestRuns(SourceError):
    """None of a library's tests can be relied on."""

    def __init__(self, message: str, missing: tuple[str, ...]) -> None:
        super().__init__(message)
        self.missing = missing
        """As `Baseline.missing`."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The tests of a library that can be relied on."""

    tests: dict[str, float]
    """Node id → seconds (the slower of the untraced runs), in the order in which they run."""
    touching: dict[tuple[str, int], tuple[str, ...]]
    """(module, a function's first line) → the tests that enter it: the most specific first, then the fastest."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Test → why it cannot be relied on: flaky, slow, failed, error, skipped, missing, ends the run."""
    broken: dict[str, str] = field(default_factory=dict)
    """Test file that cannot be collected → the end of what pytest said."""
    complaints: dict[str, str] = field(default_factory=dict)
    """Of those left out for one reason, what most of them said: reason → one line."""
    seconds: float = 0.0
    """Of the slowest run of the whole suite."""
    ended: bool = True
    """Whether each run came to its end within its limit."""

    imported: frozenset[tuple[str, int]] = frozenset()
    """(module, a function's first line) of those that run while the test files are imported."""

    missing: tuple[str, ...] = ()
    """Modules that tests were missing, and extras, in brackets, that they asked for."""

    @property
    def dropped(self) -> dict[str, int]:
        """Why tests were left out: reason → how many."""
        return dict(Counter(self.left_out.values()))

    def only(self, tests: Iterable[str]) -> Baseline:
        """The same, with no other tests than these."""
        wanted = set(tests)
        touching = {place: tuple(t for t in found if t in wanted) for place, found in self.touching.items()}
        kept = {test: seconds for test, seconds in self.tests.items() if test in wanted}
        return replace(self, tests=kept, touching={place: found for place, found in touching.items() if found})

    def of_module(self, path: str) -> tuple[str, ...]:
        """Tests that enter any function of a module."""
        return tuple(
            dict.fromkeys(test for (where, _), tests in self.touching.items() if where == path for test in tests)
        )


def ask_probe(sandbox: Sandbox, spec: dict[str, Any], timeout_s: float) -> tuple[list[dict[str, Any]], str]:
    """Run the probe in a sandbox; its records, and what it printed (for an error message)."""
    sandbox.write(PROBE, files("journeyman.tasks.sources").joinpath("probe.py").read_bytes())
    sandbox.write(SPEC, json.dumps(spec).encode())
    sandbox.run(["rm", "-f", RECORDS], timeout_s=timeout_s)
    done = sandbox.run(["/opt/env/bin/python", "-s", PROBE, SPEC, RECORDS], timeout_s=timeout_s, env=VARIABLES)
    try:
        data = sandbox.read(RECORDS, max_bytes=MAX_RECORDS)
    except SandboxPathError:  # Python, or pytest, did not even start
        data = b""
    # A line without its newline was being written when the run was ended.
    return [json.loads(line) for line in data.split(b"\n")[:-1]], done.text


def measure(library: Library, sandbox: Sandbox, *, limit_s: float = RUN_TIMEOUT_S) -> Baseline:
    """Run a library's tests on its pristine files, traced; what passes runs twice more.

    Args:
        limit_s: wall clock of one run, in seconds; what it did not come to is not used.

    Raises:
        NoTestRuns: none of them can be relied on; the message says why.
    """
    runs: list[dict[str, dict[str, Any]]] = []
    complaint, ended, seconds = "", True, 0.0
    broken: dict[str, str] = {}
    missing: dict[str, None] = {}
    downed: list[str] = []
    for number in range(RUNS):
        spec = {"mode": "baseline", "targets": list(library.tests), "trace": number == 0, "limit_s": LIMIT_S}
        if number:
            spec["only"] = [test for test, record in runs[0].items() if record["outcome"] == "passed"]
            if not spec["only"]:
                break
        begun = time.monotonic()
        records, output = _run(sandbox, spec, limit_s, downed)
        seconds = max(seconds, time.monotonic() - begun)
        ended = ended and _ended(records)
        runs.append({record["id"]: record for record in records if record["kind"] == "test"})
        broken |= {record["path"]: record["message"] for record in records if record["kind"] == "broken"}
        for said in (output, *(record.get("message", "") for record in records)):
            missing |= dict.fromkeys(missing_in(said))
        complaint = complaint or _last_word(next(iter(broken.values())) if broken else output)
        if number == 0:
            places = {record["n"]: (record["path"], record["line"]) for record in records if record["kind"] == "place"}
            early = [number for record in records if record["kind"] == "import" for number in record["functions"]]
    reasons = {test: _against([run.get(test) for run in runs]) for test in runs[0]}
    tests = {test: max(run[test]["duration_s"] for run in runs[1:]) for test, reason in reasons.items() if not reason}
    told = tuple(missing)[:MOST_MISSING]
    if not tests:
        complaint = next(iter(_complaints(reasons, runs).values()), complaint)
        if seconds >= limit_s:
            complaint = f"after {limit_s:.0f} s no test had ended"
        raise NoTestRuns(
            f"{library.sdist.requirement}: its tests do not run by themselves; the first trouble: {complaint}",
            told,
        )
    left_out = {test: reason for test, reason in reasons.items() if reason} | dict.fromkeys(downed, DOWN)
    complaints = _complaints(left_out, runs)
    imported = frozenset(places[number] for number in early)
    touching = _touching(tests, runs[0], places)
    return Baseline(tests, touching, left_out, broken, complaints, seconds, ended, imported, told)


def _run(sandbox: Sandbox, spec: dict[str, Any], limit_s: float, downed: list[str]) -> tuple[list[dict[str, Any]], str]:
    """One run; where a test ends it for all, it is begun anew without that test, which is then one of `downed`."""
    begun = time.monotonic()
    while True:
        records, output = ask_probe(sandbox, {**spec, "without": downed}, limit_s)
        last = next((record["id"] for record in reversed(records) if record["kind"] == "begun"), "")
        if _ended(records) or not last or len(downed) >= MOST_DOWNED or time.monotonic() - begun >= limit_s:
            return records, output
        downed.append(last)


def _ended(records: list[dict[str, Any]]) -> bool:
    """Whether a run came to its end, and pytest itself did not break down."""
    return bool(records) and records[-1].get("exit") in (0, 1, 2, 5)


def _last_word(said: str) -> str:
    """What a traceback of pytest's, or of Python's, comes to: one line."""
    lines = [line for line in said.splitlines() if line.strip()]
    errors = [number for number, line in enumerate(lines) if line.startswith("E ")]
    if errors:  # the last error may go on for some lines: its first names it
        while (last := errors.pop()) - 1 in errors:
            pass
        return lines[last].removeprefix("E").strip()
    return lines[-1].strip()[:300] if lines else "pytest found no test in them, or was ended by one"


def _complaints(left_out: dict[str, str], runs: list[dict[str, dict[str, Any]]]) -> dict[str, str]:
    by_reason: dict[str, Counter[str]] = defaultdict(Counter)
    for test, reason in left_out.items():
        messages = (run[test].get("message", "") for run in runs if test in run)
        if message := next(filter(None, messages), ""):
            by_reason[reason][message.splitlines()[0]] += 1
    return {reason: said.most_common(1)[0][0] for reason, said in by_reason.items()}


def _against(runs: list[dict[str, Any] | None]) -> str:
    """Why a test cannot be relied on; empty when it can. What did not pass in the first run was in no other."""
    if runs[0] and runs[0]["outcome"] != "passed":
        return str(runs[0]["outcome"])
    outcomes = {run["outcome"] if run else "missing" for run in runs}
    if len(outcomes) > 1:
        return "flaky"
    return "slow" if max(run["duration_s"] for run in runs[1:] if run) > SLOWEST_S else ""


def _touching(
    tests: dict[str, float], traced: dict[str, dict[str, Any]], places: dict[int, tuple[str, int]]
) -> dict[tuple[str, int], tuple[str, ...]]:
    by_place: dict[tuple[str, int], list[str]] = defaultdict(list)
    for test in tests:
        for number in traced[test]["functions"]:
            by_place[places[number]].append(test)

    def how_general(test: str) -> tuple[int, float]:
        return len(traced[test]["functions"]), tests[test]

    return {place: tuple(sorted(found, key=how_general)) for place, found in by_place.items()}
