"""Jobs that run when their time has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tickwork.errors import NeverError
from tickwork.expressions import Expression, parse
from tickwork.occurrences import next_after
from tickwork.retry import Backoff


@dataclass(frozen=True)
class Run:
    """One time that a job ran."""

    name: str
    at: datetime
    attempt: int
    """1 for an occurrence of its expression, 2 and up for the retries after it."""
    error: str | None = None
    """Type and message of the exception, such as "OSError: disk full"; None when it went well."""


@dataclass
class _Job:
    name: str
    expression: Expression
    action: Callable[[datetime], object]
    retry: Backoff | None
    occurrence: datetime | None
    """Next time by its expression; None when there is none any more."""
    retry_at: datetime | None = None
    failures: int = 0

    @property
    def due(self) -> datetime | None:
        return min((moment for moment in (self.occurrence, self.retry_at) if moment is not None), default=None)


class Scheduler:
    """Time passes only in `run_until`."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._jobs: dict[str, _Job] = {}

    @property
    def now(self) -> datetime:
        return self._now

    @property
    def names(self) -> list[str]:
        return sorted(self._jobs)

    def add(
        self, name: str, expression: str, action: Callable[[datetime], object], *, retry: Backoff | None = None
    ) -> None:
        if name in self._jobs:
            raise ValueError(f"there is a job {name!r} already")
        parsed = parse(expression)
        self._jobs[name] = _Job(name, parsed, action, retry, next_after(parsed, self._now))

    def remove(self, name: str) -> None:
        del self._jobs[name]

    def next_run(self, name: str) -> datetime | None:
        return self._jobs[name].due

    def run_until(self, moment: datetime) -> list[Run]:
        if moment < self._now:
            raise ValueError(f"it is {self._now} already, {moment} is past")
        runs: list[Run] = []
        while True:
            waiting = [(job.due, job.name) for job in self._jobs.values() if job.due is not None]
            if not waiting or min(waiting)[0] > moment:
                break
            self._now, name = min(waiting)
            runs.append(self._run(self._jobs[name]))
        self._now = moment
        return runs

    def _run(self, job: _Job) -> Run:
        if job.occurrence == self._now:
            job.failures = 0
            job.occurrence = _next_or_none(job.expression, self._now)
        job.retry_at = None
        attempt = job.failures + 1
        try:
            job.action(self._now)
        except Exception as error:
            job.failures += 1
            wait = job.retry.wait_after(job.failures) if job.retry else None
            job.retry_at = None if wait is None else self._now + wait
            return Run(job.name, self._now, attempt, f"{type(error).__name__}: {error}")
        return Run(job.name, self._now, attempt)


def _next_or_none(expression: Expression, moment: datetime) -> datetime | None:
    try:
        return next_after(expression, moment)
    except NeverError:
        return None
