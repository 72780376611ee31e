"""Run the checks that stand in checks.txt beside this file, and write Harbor's reward: 1 only if every one passed.

This file travels with a task, as `tests/judge.py`, for Harbor; Journeyman itself grades with its own grader.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


class Judge:
    """Counts a check as passed when its call passed and nothing else about it went wrong."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.broken: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed" or hasattr(report, "wasxfail"):
            self.broken.add(report.nodeid)
        elif report.when == "call":
            self.passed.add(report.nodeid)


def main() -> int:
    checks = Path(__file__).with_name("checks.txt").read_text(encoding="utf-8").splitlines()
    files = [path for path in dict.fromkeys(check.split("::", 1)[0] for check in checks) if Path(path).exists()]
    judge = Judge()
    options = ["-q", "-p", "no:cacheprovider", "-o", "addopts=", "--rootdir=.", "--continue-on-collection-errors"]
    if files:
        pytest.main([*options, *files], plugins=[judge])
    solved = set(checks) <= judge.passed - judge.broken
    reward = Path("/logs/verifier/reward.txt")
    reward.parent.mkdir(parents=True, exist_ok=True)
    reward.write_text(f"{int(solved)}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
