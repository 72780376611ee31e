"""One episode to run, and who runs it.

An `Engine` runs one job from reset to its end: in this process (`LocalEngine`), with its environment in another
(`ProcessEngine`), or on a Ray cluster (`RayEngine`). `rollout_many` gives it as many at once as there are places.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode
from journeyman.envs.recorder import Recorder
from journeyman.envs.reviews import Reviews
from journeyman.policies.policy import Policy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task

NO_REVIEWS = "episodes are reviewed in this process alone: leave out the engine"


class EngineError(RuntimeError):
    """Episodes cannot run there: Ray is missing, no cluster answers, or workers die again and again."""


@dataclass(frozen=True, slots=True)
class Job:
    """One episode to run. Environment and policy are made where it runs; to run elsewhere, it must be picklable."""

    task: Task
    backend: SandboxFactory | str
    make_policy: Callable[[Task], Policy]
    """Given the task as it lies where the job runs: its folders may be elsewhere than `task` says."""
    seed: int = 0
    config: EnvConfig | Mapping[str, Any] | None = None
    start: tuple[Episode, int] | None = None
    """An episode, and after how many of its steps this one goes on from it; its beginning is read as its parent's."""
    reviews: Reviews | None = None
    """Who comments while it runs; only where it runs in this process."""


class Engine(Protocol):
    """Where episodes run. Its methods are called from many threads at once, all but `close`."""

    def run(self, job: Job, store: Recorder | None, cancelled: threading.Event) -> Episode:
        """Run one job; what happens is in `store` when it returns or raises. Raises as `rollout` does."""
        ...

    def facts(self) -> dict[str, int]:
        """What a person may want to know about how the jobs were run, by name."""
        ...

    def close(self) -> None:
        """Let go of the machines. Idempotent."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None: ...  # fmt: skip
