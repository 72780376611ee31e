"""One line about an episode, and the answer to a query: from the index alone, no record is read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from journeyman.envs.index import Attempt
from journeyman.envs.notebook import summary_html


class State(StrEnum):
    FINISHED = "finished"
    RUNNING = "running"
    """Its writer is alive."""
    INTERRUPTED = "interrupted"
    """Its writer is gone; what it had done is kept and reads as `StopReason.INTERRUPTED`."""
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Summary:
    """One line about an episode, from the index alone."""

    id: str
    task: str
    policy: str
    seed: int
    state: State
    stop: str
    reward: float | None
    resolved: bool | None
    steps: int
    started_at: str
    duration_s: float
    tags: tuple[str, ...] = ()
    """What people call it, sorted."""
    parent: str = ""
    """The id of the episode that it was forked from, or nothing."""
    forked_at: int | None = None
    """After so many of its parent's steps."""
    _repr_html_ = summary_html

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """The line about an attempt that the index knows."""
        return cls(
            attempt.episode, attempt.task, attempt.policy, attempt.seed, State(attempt.state), attempt.stop,
            attempt.reward, attempt.resolved, attempt.recorded, attempt.started_at, attempt.duration_s, attempt.tags,
            attempt.parent, attempt.forked_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a query."""

    summaries: tuple[Summary, ...]
    """In the query's order, within its limit."""
    total: int
    """How many episodes the query takes, its limit and offset aside."""
    scored: int
    """How many of these have a verdict that is yes or no."""
    resolved: int
