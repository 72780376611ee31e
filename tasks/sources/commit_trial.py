"""A commit on trial: its tests really run on the code before it and on the code after it, twice each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from journeyman.sandbox.sandbox import Environment, SandboxFactory, SandboxLost
from journeyman.tasks.edits import is_test_file
from journeyman.tasks.report import TestReport
from journeyman.tasks.runner import run_tests
from journeyman.tasks.sources.git_history import Unfit
from journeyman.tasks.sources.trial import MAX_FAIL_TO_PASS, MAX_PASS_TO_PASS, Failure

RUNS = 2
"""Of each side; what they disagree about is left out. The proof runs the chosen checks again, three times."""
TIMEOUT_S = 120.0
"""Wall clock of one run, in seconds."""
SLOWEST_S = 2.0
"""A test that takes longer, in seconds, is left out."""
ENOUGH_NEAR = 6
MAX_OTHER_FILES = 20


@dataclass(frozen=True, slots=True)
class Bench:
    """The two sides: files laid over the same repository."""

    repository: Path
    """Folder with the parent's files."""
    hidden: Mapping[str, bytes]
    solution: Mapping[str, bytes]
    environment: Environment
    sandboxes: SandboxFactory = field(repr=False)

    def run(self, targets: Sequence[str], *, fixed: bool) -> TestReport:
        """Run test files once, in a sandbox of their own.

        Raises:
            Unfit: they took too long, or brought the sandbox down.
        """
        with self.sandboxes.create(self.environment, self.repository) as sandbox:
            for path, data in {**self.hidden, **(self.solution if fixed else {})}.items():
                sandbox.write(path, data)
            try:
                report = run_tests(sandbox, target=list(targets), timeout_s=TIMEOUT_S)
            except SandboxLost as error:
                raise Unfit("its tests bring the sandbox down", str(error)) from error
        if report.timed_out:
            raise Unfit("its tests take too long", report.headline())
        return report


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the two sides said."""

    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    failures: tuple[Failure, ...]
    """How the first of these fail before, where a test says so itself."""


def observe(bench: Bench, others: Sequence[str]) -> Evidence:
    """Run the tests of the fix on both sides.

    Args:
        others: test files that the commit does not touch, from which more tests are taken that must go on passing.

    Raises:
        Unfit: they show no difference, do not run, or nothing would guard what works.
    """
    files = [path for path in bench.hidden if is_test_file(PurePosixPath(path))]
    if not files:
        raise Unfit("changes no test file, only what lies beside them")
    before: list[TestReport] = []
    after: list[TestReport] = []
    for _ in range(RUNS):  # the first of them shows most of what makes no task
        after.append(bench.run(files, fixed=True))
        if not after[-1].passed:
            raise Unfit("its own tests do not pass on it", after[0].summary(1))
        before.append(bench.run(files, fixed=False))
        to_pass = [test for test in always(after, "passed") if fails(test, before)]
        if not to_pass:
            raise Unfit("no test fails before and passes after", f"after: {after[0].headline()}")
    to_keep = _kept(before, after)
    if len(to_keep) < ENOUGH_NEAR and others:
        near = sorted(others, key=lambda path: -_shared(path, files[0]))[:MAX_OTHER_FILES]
        to_keep += _kept(*_both(bench, near))
    if not to_keep:
        raise Unfit("nothing would guard against breaking something else")
    shown = [failure for test in to_pass if (failure := failure_of(test, before[0])) is not None]
    return Evidence(tuple(to_pass[:MAX_FAIL_TO_PASS]), tuple(to_keep[:MAX_PASS_TO_PASS]), tuple(shown))


def _both(bench: Bench, targets: Sequence[str]) -> tuple[list[TestReport], list[TestReport]]:
    after = [bench.run(targets, fixed=True) for _ in range(RUNS)]
    return [bench.run(targets, fixed=False) for _ in range(RUNS)], after


def _kept(before: Sequence[TestReport], after: Sequence[TestReport]) -> list[str]:
    still = set(always(before, "passed"))
    return [test for test in always(after, "passed") if test in still]


def always(reports: Sequence[TestReport], outcome: str) -> list[str]:
    """Tests that ended so in every run, quickly and told of once."""
    return [
        result.id
        for result in reports[0].results
        if result.duration_s <= SLOWEST_S
        and result.id.isprintable()
        and all(
            (other := report.by_id.get(result.id)) is not None
            and other.outcome == outcome
            and other.runs == 1
            and result.id not in report.suspect
            for report in reports
        )
    ]


def fails(test: str, before: Sequence[TestReport]) -> bool:
    """Whether it fails in every run, or could not even be collected."""
    found = [report.by_id.get(test) for report in before]
    return all(result is None or result.outcome in ("failed", "error") for result in found)


def failure_of(test: str, report: TestReport) -> Failure | None:
    """How a test failed, where it says so itself."""
    result = report.by_id.get(test)
    if result is None or result.crash is None:
        return None
    frames = []
    for place in result.crash.frames:
        path, _, line = place.rpartition(":")
        frames.append((path, int(line) if line.isdecimal() else 0, ""))
    head, colon, _ = result.crash.message.partition("\n")[0].partition(":")
    return Failure(
        test, head if colon and head.isidentifier() else "AssertionError", result.crash.message, tuple(frames)
    )


def _shared(path: str, other: str) -> int:
    """How many of their first folders two files share."""
    pairs = zip(PurePosixPath(path).parts[:-1], PurePosixPath(other).parts[:-1], strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(path.count("/"), other.count("/")))
