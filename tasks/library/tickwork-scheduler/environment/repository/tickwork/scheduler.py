"""Jobs that run when their time has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

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


class Scheduler:
    """Time passes only in `run_until`."""

    def __init__(self, now: datetime) -> None:
        raise NotImplementedError

    @property
    def now(self) -> datetime:
        raise NotImplementedError

    @property
    def names(self) -> list[str]:
        raise NotImplementedError

    def add(
        self, name: str, expression: str, action: Callable[[datetime], object], *, retry: Backoff | None = None
    ) -> None:
        raise NotImplementedError

    def remove(self, name: str) -> None:
        raise NotImplementedError

    def next_run(self, name: str) -> datetime | None:
        raise NotImplementedError

    def run_until(self, moment: datetime) -> list[Run]:
        raise NotImplementedError
