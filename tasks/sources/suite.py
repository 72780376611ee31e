"""The tests of a library in another language than Python: which can be relied on, and what they say of a mutant.

There is no trace of which function a test enters: a mutant meets the tests of its folder where Go's packages are
folders, else all of them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import PurePosixPath

from journeyman.sandbox.sandbox import Sandbox
from journeyman.tasks.report import TestReport, TestResult
from journeyman.tasks.runner import run_tests
from journeyman.tasks.sources.baseline import RUNS, SLOWEST_S, Baseline
from journeyman.tasks.sources.library import Library
from journeyman.tasks.sources.sdist import SourceError
from journeyman.tasks.sources.trial import MUTANT_TIMEOUT_S, Failure, Mutant, Trial

BUILD_S = 30.0
"""Wall clock of a mutant's run beyond that of its tests: a compiler's, in seconds."""
DUPLICATE, IN_SOURCE = "reported twice", "in a source file"


def measure_suite(library: Library, sandbox: Sandbox, *, limit_s: float) -> Baseline:
    """Run a library's tests three times on its pristine files.

    Raises:
        SourceError: none of them can be relied on; the message says why.
    """
    reports: list[TestReport] = []
    for _ in range(RUNS):
        reports.append(_run(library, sandbox, limit_s))
        if not reports[-1].results:
            break
    broken = {
        path: f"{crash.place} {crash.message}".strip() for report in reports for path, crash in report.broken_files
    }
    sources = set(library.sources)
    reasons = {test: _against(test, [report.by_id.get(test) for report in reports], sources) for test in _all(reports)}
    for report in reports:
        reasons |= dict.fromkeys(report.suspect, DUPLICATE)
    tests = {test: max(r.by_id[test].duration_s for r in reports) for test, reason in reasons.items() if not reason}
    if not tests:
        said = next(iter(broken.values()), "") or reports[0].summary() + "\n" + reports[0].output[-400:]
        raise SourceError(f"{library.sdist.requirement}: its tests do not run by themselves; the first trouble: {said}")
    left_out = {test: reason for test, reason in reasons.items() if reason}
    return Baseline(
        tests, {}, left_out, broken, _complaints(left_out, reports), max(report.duration_s for report in reports),
        not any(report.timed_out for report in reports),
    )  # fmt: skip


def _run(library: Library, sandbox: Sandbox, limit_s: float) -> TestReport:
    return run_tests(sandbox, target=list(library.tests), timeout_s=limit_s, toolchain=library.environment.toolchain)


def _all(reports: Sequence[TestReport]) -> list[str]:
    return list(dict.fromkeys(test for report in reports for test in report.by_id))


def _against(test: str, runs: Sequence[TestResult | None], sources: set[str]) -> str:
    """Why a test cannot be relied on; empty when it can."""
    outcomes = {run.outcome if run else "missing" for run in runs}
    if len(outcomes) > 1:
        return "flaky"
    if outcomes != {"passed"}:
        return outcomes.pop()
    if test.partition("::")[0] in sources:  # a solution would replace it
        return IN_SOURCE
    return "slow" if max(run.duration_s for run in runs if run) > SLOWEST_S else ""


def _complaints(left_out: dict[str, str], reports: Sequence[TestReport]) -> dict[str, str]:
    found: dict[str, str] = {}
    for test, reason in left_out.items():
        crashes = (result.crash for report in reports if (result := report.by_id.get(test)))
        if said := next((crash.message for crash in crashes if crash and crash.message), ""):
            found.setdefault(reason, said.splitlines()[0])
    return found


def tests_near(baseline: Baseline, path: str) -> tuple[str, ...]:
    """The tests that may notice a fault in a file."""
    pure = PurePosixPath(path)
    if pure.suffix != ".go":
        return tuple(baseline.tests)
    return tuple(test for test in baseline.tests if PurePosixPath(test.partition("::")[0]).parent == pure.parent)


def try_on_suite(mutants: Sequence[Mutant], library: Library, sandbox: Sandbox, seconds: float) -> list[Trial]:
    """Run mutants one after the other in a sandbox that holds the library's pristine files.

    Args:
        seconds: what the whole suite takes on pristine files.
    """
    trials = []
    for mutant in mutants:
        path = mutant.mutation.path
        sandbox.write(path, mutant.source)
        begun, limit_s = time.monotonic(), MUTANT_TIMEOUT_S + BUILD_S + 3 * seconds
        files = list(dict.fromkeys(test.partition("::")[0] for test in mutant.tests))
        report = run_tests(sandbox, target=files, timeout_s=limit_s, toolchain=library.environment.toolchain)
        sandbox.write(path, mutant.pristine)
        trials.append(_judge(mutant, report, time.monotonic() - begun))
    return trials


def _judge(mutant: Mutant, report: TestReport, seconds: float) -> Trial:
    if report.timed_out or seconds > MUTANT_TIMEOUT_S + BUILD_S:
        return Trial(mutant, "timeout")
    results = [report.by_id.get(test) for test in mutant.tests]
    if not any(results):
        return Trial(mutant, "does not compile" if report.broken_files else "crash")
    passed = tuple(r.id for r in results if r is not None and r.outcome == "passed" and r.id not in report.suspect)
    failed = [r for r in results if r is not None and r.outcome == "failed" and r.id not in report.suspect]
    if len(passed) + len(failed) < len(mutant.tests):
        return Trial(mutant, "tests missing")
    if not failed:
        return Trial(mutant, "survived")
    if not passed:
        return Trial(mutant, "everything fails")
    return Trial(mutant, "", tuple(map(_failure, failed)), passed)


def _failure(result: TestResult) -> Failure:
    crash = result.crash
    places = (frame.rpartition(":") for frame in (*(crash.frames if crash else ()), *([crash.place] if crash else [])))
    frames = tuple((path, int(line), "") for path, _, line in places if line.isdigit())
    return Failure(result.id, "AssertionError", crash.message if crash else "", frames)
