"""Who waits for whom while a model trains on its own episodes: which share of the time each part was at work.

A step has two halves: episodes are collected (`ROLLOUT`), then the trainer learns. While they are collected, an
episode is at any moment with the model (`SAMPLE`: its turn is being sampled, or queues for it), in its environment
(`ENVIRONMENT`: reset and tool calls) or being graded (`GRADE`). Many episodes are in flight, so these shares overlap;
what is lost is the time in which episodes are collected and the model has nothing to sample (`waited`).
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from journeyman.envs.actions import Action
from journeyman.envs.episode import StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.job import Job
from journeyman.policies.policy import Policy
from journeyman.policies.rollout_many import LocalEngine

ROLLOUT, SAMPLE, ENVIRONMENT, GRADE = "rollout", "sample", "environment", "grade"


@dataclass(frozen=True, slots=True)
class Shares:
    """Of a step's wall time, from 0 to 1. They overlap, but for `trained`, `waited` and `sampled`."""

    sampled: float = 0.0
    """At least one turn was with the model."""
    environment: float = 0.0
    """At least one episode's tool call or reset was running."""
    graded: float = 0.0
    """At least one episode was being graded."""
    trained: float = 0.0
    """No episodes were being collected: loss, gradients, the optimiser, saving."""
    waited: float = 0.0
    """Episodes were being collected, and the model had nothing to sample: environment time that is exposed."""
    in_environment: float = 0.0
    """Episodes in their environments at a time, averaged over the step."""
    in_grading: float = 0.0
    """Episodes being graded at a time, averaged over the step."""


class Stopwatch:
    """Measures how long something was going on. Thread-safe.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._active = Counter[str]()
        self._begun = self._last = clock()
        self._busy, self._load = defaultdict[str, float](float), defaultdict[str, float](float)
        """Seconds in which something went on, and those seconds times how many blocks."""
        self._waited = 0.0

    @contextmanager
    def during(self, what: str) -> Iterator[None]:
        """`what` goes on for as long as the block; several blocks may at once."""
        self._change(what, 1)
        try:
            yield
        finally:
            self._change(what, -1)

    @contextmanager
    def outside(self, what: str) -> Iterator[None]:
        """In the midst of a block of `during(what)`: it does not go on for as long as this one."""
        self._change(what, -1)
        try:
            yield
        finally:
            self._change(what, 1)

    def lap(self) -> tuple[float, Shares]:
        """Seconds since the last lap, and what went on in them. What still goes on counts on in the next one."""
        with self._lock:
            self._pass()
            seconds = self._last - self._begun
            whole = seconds or 1.0
            shares = Shares(
                sampled=self._busy[SAMPLE] / whole,
                environment=self._busy[ENVIRONMENT] / whole,
                graded=self._busy[GRADE] / whole,
                trained=(seconds - self._busy[ROLLOUT]) / whole,
                waited=self._waited / whole,
                in_environment=self._load[ENVIRONMENT] / whole,
                in_grading=self._load[GRADE] / whole,
            )
            self._begun, self._waited = self._last, 0.0
            self._busy.clear()
            self._load.clear()
            return seconds, shares

    def _change(self, what: str, by: int) -> None:
        with self._lock:
            self._pass()
            self._active[what] += by

    def _pass(self) -> None:
        """Book the time since the last change."""
        now = self._clock()
        passed, self._last = now - self._last, now
        for what, count in self._active.items():
            if count:
                self._busy[what] += passed
                self._load[what] += passed * count
        if self._active[ROLLOUT] and not self._active[SAMPLE]:
            self._waited += passed


class WatchedEngine(LocalEngine):
    """Runs episodes as another engine of this process does, and tells a stopwatch where each one is.

    Where environments are in other processes, their grading counts as time in them.
    """

    def __init__(self, watch: Stopwatch, engine: LocalEngine) -> None:
        self._watch, self._engine = watch, engine

    def env_for(self, job: Job) -> RepoEnv:
        env, watch = self._engine.env_for(job), self._watch
        for name in ("reset", "step", "conclude"):
            setattr(env, name, _during(watch, ENVIRONMENT, getattr(env, name)))
        finish = env._finish

        def graded(stop: StopReason) -> tuple[float, dict[str, Any]]:
            with watch.outside(ENVIRONMENT), watch.during(GRADE):  # only ever in the midst of `step` or `conclude`
                return finish(stop)

        env._finish = graded  # type: ignore[method-assign]
        return env

    def policy_for(self, job: Job) -> Policy:
        policy, watch = self._engine.policy_for(job), self._watch
        # It belongs to one episode; what else it can do (remember, say its versions) stays as it is. It must not hold
        # itself: the model that it holds would stay until the next garbage collection.
        act, itself = type(policy).act, weakref.ref(policy)

        def timed(observation: Observation) -> Action:
            policy = itself()
            assert policy is not None, "whoever calls holds it"
            with watch.during(SAMPLE):
                return act(policy, observation)

        policy.act = timed  # type: ignore[method-assign]
        return policy

    def facts(self) -> dict[str, int]:
        return self._engine.facts()

    def close(self) -> None:
        self._engine.close()


def _during(watch: Stopwatch, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*args: Any, **options: Any) -> Any:
        with watch.during(what):
            return call(*args, **options)

    return timed
