"""Episodes on a Ray cluster. Ray starts, places and watches the workers; the driver alone keeps the record.

An attempt at a job is one Ray task, a generator: it tells its episode step by step, and the driver writes that down as
it comes. So a record has one writer, a lost worker can leave nothing half written, and nothing of an attempt that was
given up can arrive later: nobody reads its stream any more. What a lost attempt had done is kept as an interrupted
episode that says so, and the job begins again elsewhere under a new id.

Tasks travel with their files (`tasks/packed.py`). An environment that is built stays on its node: later jobs that
need it prefer the nodes that have it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import ray
from ray.exceptions import (
    LocalRayletDiedError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayError,
    RayTaskError,
    WorkerCrashedError,
)
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from journeyman.envs.episode import Episode, Step
from journeyman.envs.recorder import Recorder
from journeyman.policies.job import NO_REVIEWS, EngineError, Job
from journeyman.policies.ray_cluster import connect
from journeyman.policies.ray_placement import Place, Placement
from journeyman.policies.ray_worker import Begun, Told, play
from journeyman.policies.rollout import RolloutCancelled, place_of
from journeyman.tasks.packed import digest_of, pack
from journeyman.tasks.task import Task

LOST = (WorkerCrashedError, NodeDiedError, OutOfMemoryError, ObjectLostError, LocalRayletDiedError)
"""The worker is gone, and what it did with it; nothing is said about the job."""
ATTEMPTS = 4
"""How often a job is begun before its workers' deaths are taken for its own doing."""
LOOK_S = 0.5
"""How often a wait for a worker is broken off to see whether it still makes sense, in seconds."""
NO_NODE_S = 60.0
"""How long a cluster may be without a node that could take an episode, in seconds."""


class RayEngine:
    """An `Engine` over a Ray cluster, one Ray task for each attempt at a job."""

    def __init__(self, address: str | None = None, *, episode_cpus: float = 1.0, attempts: int = ATTEMPTS) -> None:
        """
        Args:
            address: of the cluster's head ("10.0.0.1:6379"); else RAY_ADDRESS, else a Ray of our own here.
            episode_cpus: processors of its node that an episode counts for; a share is fine.
            attempts: how often a job is begun at most.

        Raises:
            EngineError: no cluster answers there, or none of its nodes is large enough.
        """
        self._attempts = attempts
        self._disconnect: Callable[[], None] = connect(address)
        self.placement = Placement(episode_cpus)
        if not self.placement.room():
            self.close()
            raise EngineError(f"no node of the cluster has the {episode_cpus:g} processors that an episode takes")
        self._play = ray.remote(num_returns="streaming", num_cpus=episode_cpus, max_retries=0)(play)
        self._packed: dict[tuple[str, ...], tuple[str, ray.ObjectRef[bytes]]] = {}
        self._packing = threading.Lock()

    def run(self, job: Job, store: Recorder | None, cancelled: threading.Event) -> Episode:
        """See `Engine`.

        Raises:
            EngineError: its workers died again and again, no node is left to run it, or it is to be reviewed.
        """
        if job.reviews is not None:
            raise EngineError(NO_REVIEWS)
        why = ""
        for _ in range(self._attempts):
            try:
                return _Attempt(self, job, store, cancelled).run()
            except LOST as error:
                why = _first_line(error)
        raise EngineError(
            f"{job.task.name}, seed {job.seed}: its worker was lost {self._attempts} times; at last: {why}"
        )

    def facts(self) -> dict[str, int]:
        return self.placement.facts()

    def close(self) -> None:
        self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def submit(self, job: Job, node: str | None) -> Any:
        """Start an attempt, on a node if it has a place; returns Ray's stream of what is told."""
        digest, archive = self._sent(job.task)
        where = NodeAffinitySchedulingStrategy(node, soft=True) if node else "SPREAD"
        task = self._play.options(scheduling_strategy=where, name=f"{job.task.name} seed {job.seed}")
        return task.remote(job, digest, [archive])

    def _sent(self, task: Task) -> tuple[str, ray.ObjectRef[bytes]]:
        """The task's files in the object store, put there once."""
        key = (str(task.repository), str(task.hidden), str(task.solution))
        with self._packing:
            if key not in self._packed:
                archive = pack(task)
                self._packed[key] = digest_of(archive), ray.put(archive)
            return self._packed[key]


class _Attempt:
    """One try at a job."""

    def __init__(self, engine: RayEngine, job: Job, store: Recorder | None, cancelled: threading.Event) -> None:
        self._engine, self._job, self._store, self._cancelled = engine, job, store, cancelled
        self._episode: Episode | None = None
        self._steps: list[Step] = []
        self._since = time.monotonic()

    def run(self) -> Episode:
        place = self._engine.placement.take(self._job.task.environment.key)
        try:
            return self._write_down(self._engine.submit(self._job, place.node), place)
        except LOST as error:
            place.lost()
            self._interrupted(f"the worker was lost, and the job begun again: {_first_line(error)}")
            raise
        finally:
            place.leave()

    def _write_down(self, stream: Any, place: Place) -> Episode:
        try:
            for told in self._listen(stream):
                if isinstance(told, Begun):
                    place.found(told.node)
                    self._begin(told.episode)
                elif isinstance(told, Step):
                    self._step(told)
                else:
                    return self._finish(told)
            raise EngineError(f"{self._job.task.name}, seed {self._job.seed}: its worker ended without an episode")
        except RolloutCancelled:
            self._give_up(stream)
            self._interrupted("")
            raise
        except BaseException:
            self._give_up(stream)
            raise

    def _listen(self, stream: Any) -> Iterator[Told]:
        since = time.monotonic()
        while True:
            ready, _ = ray.wait([stream], timeout=LOOK_S)
            if self._cancelled.is_set():
                raise RolloutCancelled(f"{self._job.task.name}, seed {self._job.seed} was cancelled")
            if ready:
                try:
                    yield ray.get(next(stream))
                except StopIteration:
                    return
                except RayTaskError as error:
                    raise _cause(error) from error
            if ready or self._engine.placement.room():
                since = time.monotonic()
            elif time.monotonic() - since > NO_NODE_S:
                raise EngineError(f"the cluster has had no node that could take an episode for {NO_NODE_S:.0f} s")

    def _begin(self, episode: Episode) -> None:
        self._episode = self._placed(episode)
        if self._store is not None:
            self._store.begin(self._episode)

    def _step(self, step: Step) -> None:
        self._steps.append(step)
        if self._store is not None and self._episode is not None:
            self._store.step(self._episode.id, step)

    def _finish(self, episode: Episode) -> Episode:
        episode = self._placed(episode)
        if self._store is not None:
            self._store.finish(episode)
        return episode

    def _placed(self, episode: Episode) -> Episode:
        """The episode's record, naming the task's folder here."""
        return replace(episode, versions=episode.versions | place_of(self._job.task))

    def _interrupted(self, detail: str) -> None:
        if self._store is not None and self._episode is not None:
            duration_s = time.monotonic() - self._since
            self._store.finish(
                replace(self._episode, steps=tuple(self._steps), duration_s=duration_s, detail=detail)
            )  # fmt: skip

    def _give_up(self, stream: Any) -> None:
        """End the attempt and wait until its sandbox is closed."""
        ray.cancel(stream)
        with suppress(RayError):
            for each in stream:
                ray.get(each)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _cause(error: RayTaskError) -> BaseException:
    """What the worker raised; Ray's own words, with its traceback, where that could not travel."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, BaseException) else error
