"""Many episodes at once.

Errors, Ctrl-C and back-pressure are the same wherever the episodes run: in threads of this process, with their
environments here or in processes of their own (`envs/workers.py`), or on a Ray cluster (`ray_engine.py`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import islice
from types import TracebackType
from typing import Self

from journeyman.envs.episode import Ancestry, Episode, StopReason
from journeyman.envs.recorder import Recorder, new_episode_id
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.workers import Workers
from journeyman.policies.fork import Branch, Different, ForkError
from journeyman.policies.job import NO_REVIEWS, Engine, EngineError, Job
from journeyman.policies.policy import Policy
from journeyman.policies.rollout import rollout

ENGINES = ("local", "processes", "ray")
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}
"""No telemetry, and no word of Ray's among ours. Ray reads them when it is imported."""


class LocalEngine:
    """This process: each episode in the thread that asks for it."""

    def run(self, job: Job, store: Recorder | None, cancelled: threading.Event) -> Episode:
        env, policy = self.env_for(job), self.policy_for(job)
        if job.start is None:
            return rollout(env, policy, seed=job.seed, store=store, cancelled=cancelled)
        return _from_within(job, env, policy, store, cancelled)

    def env_for(self, job: Job) -> RepoEnv:
        """Where the episode takes place."""
        return RepoEnv(job.task, job.backend, job.config, reviews=job.reviews)

    def policy_for(self, job: Job) -> Policy:
        """Who acts in it."""
        return job.make_policy(job.task)

    def facts(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _from_within(job: Job, env: RepoEnv, policy: Policy, store: Recorder | None, cancelled: threading.Event) -> Episode:
    """An episode that goes on from another. Where the way there is lost, as when its sandbox is, it ends unscored."""
    assert job.start is not None
    parent, at = job.start
    different = Different(policy, seed=job.seed)
    try:
        branch = Branch(env, parent, at)
    except ForkError as error:
        policy.close()
        seed = parent.reset_seed if env.config.faults is not None else None
        ancestry = Ancestry(parent.id, at, different.change, different.detail, seed)
        lost = Episode(
            new_episode_id(), job.task.name, policy.name, job.seed, parent.first, parent.steps[:at],
            StopReason.SANDBOX_LOST, None, (), None, config=env.config.to_dict(), detail=str(error), ancestry=ancestry,
            fault=parent.fault,
        )  # fmt: skip
        if store is not None:
            store.begin(replace(lost, steps=(), stop=StopReason.INTERRUPTED))
            store.finish(lost)
        return lost
    with branch:
        return branch.run(different, store=store, cancelled=cancelled, last=True)


class ProcessEngine(LocalEngine):
    """Policies in threads of this process, environments in others: for a model that samples here.

    Args:
        count: processes at the most; by default as many as there are processors.
    """

    def __init__(self, count: int | None = None) -> None:
        self._workers = Workers(count)

    def env_for(self, job: Job) -> RepoEnv:
        if job.reviews is not None:
            raise EngineError(NO_REVIEWS)
        return self._workers.open(job.task, job.backend, job.config)

    def facts(self) -> dict[str, int]:
        return {"processes": len(self._workers)}

    def close(self) -> None:
        self._workers.close()


def open_engine(name: str = "local", *, address: str | None = None, episode_cpus: float = 1.0) -> Engine:
    """The engine of that name.

    Args:
        address: of a Ray cluster's head; else RAY_ADDRESS, else a Ray of our own on this machine.
        episode_cpus: of a node's processors, so many are taken by each episode: that limits the episodes on a node.

    Raises:
        EngineError: there is none of that name, Ray is not installed, or no cluster answers.
    """
    if name == "local":
        return LocalEngine()
    if name == "processes":
        return ProcessEngine()
    if name != "ray":
        raise EngineError(f"no engine {name!r}; there are: {', '.join(ENGINES)}")
    for variable, value in QUIET.items():
        os.environ.setdefault(variable, value)
    try:
        from journeyman.policies.ray_engine import RayEngine
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise EngineError("the ray engine needs Ray: pip install 'journeyman[scale]'") from error
    return RayEngine(address, episode_cpus=episode_cpus)


def rollout_many(
    jobs: Iterable[Job],
    *,
    store: Recorder | None = None,
    concurrency: int = 4,
    on_done: Callable[[int, Episode], None] | None = None,
    engine: Engine | None = None,
) -> list[Episode]:
    """Run episodes, at most `concurrency` at once, and return them in the order of their jobs.

    Policies that share a model batch among themselves whoever waits at the same time.

    Args:
        jobs: may be endless or slow: a job is asked for when there is a place for it, in the caller's thread.
        on_done: told each job's number and episode as it ends, one call at a time, in the caller's thread.
        engine: where they run; threads of this process by default.

    Raises:
        KeyboardInterrupt: the running episodes were recorded as interrupted first; the others never began.
        Exception: the first that a job, `jobs` or `on_done` raised, with the running episodes ended likewise.
        ValueError: `concurrency` is below 1.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency must be at least 1, not {concurrency}")
    engine = engine or LocalEngine()
    numbered = enumerate(jobs)
    cancelled = threading.Event()
    episodes: dict[int, Episode] = {}
    running: dict[Future[Episode], int] = {}
    with ThreadPoolExecutor(concurrency, thread_name_prefix="rollout") as threads:
        try:
            while True:
                for number, job in islice(numbered, concurrency - len(running)):
                    running[threads.submit(engine.run, job, store, cancelled)] = number
                if not running:
                    return [episodes[number] for number in range(len(episodes))]
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    number = running.pop(future)
                    episodes[number] = future.result()
                    if on_done is not None:
                        on_done(number, episodes[number])
        finally:
            cancelled.set()
