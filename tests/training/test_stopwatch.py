"""Who waits for whom, by a clock that the test moves, and of real episodes."""

from __future__ import annotations

import dataclasses
import gc
import threading
import weakref

import pytest

from journeyman.envs.episode import StopReason
from journeyman.policies.job import Job
from journeyman.policies.oracle import OraclePolicy
from journeyman.policies.rollout_many import LocalEngine, rollout_many
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.stopwatch import (
    ENVIRONMENT,
    GRADE,
    ROLLOUT,
    SAMPLE,
    Shares,
    Stopwatch,
    WatchedEngine,
)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


def test_what_overlaps_counts_for_each_and_the_model_waits_when_it_has_nothing_to_sample() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    with watch.during(ROLLOUT):
        with watch.during(ENVIRONMENT):
            clock.passes(1)  # nobody samples: the model waits
            with watch.during(ENVIRONMENT), watch.during(SAMPLE):
                clock.passes(2)
            with watch.outside(ENVIRONMENT), watch.during(GRADE):
                clock.passes(1)
        with watch.during(SAMPLE):
            clock.passes(2)
    clock.passes(4)  # the trainer's
    seconds, shares = watch.lap()
    assert seconds == 10
    assert shares == Shares(
        sampled=0.4, environment=0.3, graded=0.1, trained=0.4, waited=0.2, in_environment=0.5, in_grading=0.1
    )
    assert shares.sampled + shares.waited + shares.trained == pytest.approx(1)


def test_what_goes_on_across_a_lap_counts_in_both() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    with watch.during(ROLLOUT), watch.during(SAMPLE):
        clock.passes(3)
        assert watch.lap() == (3, Shares(sampled=1))
        clock.passes(1)
    clock.passes(1)
    assert watch.lap() == (2, Shares(sampled=0.5, trained=0.5))
    assert watch.lap() == (0, Shares())  # nothing passed, nothing is divided by


def test_many_threads_leave_nothing_behind() -> None:
    clock = Clock()
    watch = Stopwatch(clock)

    def work() -> None:
        for _ in range(200):
            with watch.during(SAMPLE), watch.during(ENVIRONMENT), watch.outside(ENVIRONMENT):
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watch.lap()
    clock.passes(5)
    assert watch.lap() == (5, Shares(trained=1))


@pytest.mark.slow
def test_episodes_say_where_they_are(tasks: tuple[Task, ...], backend: SandboxFactory) -> None:
    watch = Stopwatch()
    jobs = [Job(task, backend, OraclePolicy) for task in tasks]
    with watch.during(ROLLOUT):
        episodes = rollout_many(jobs, concurrency=2, engine=WatchedEngine(watch, LocalEngine()))
    assert [episode.stop for episode in episodes] == [StopReason.REPORTED] * 2
    _, shares = watch.lap()
    assert all(value > 0 for value in dataclasses.astuple(shares))
    assert shares.sampled + shares.waited + shares.trained == pytest.approx(1)
    assert 0 < shares.in_grading + shares.in_environment <= 2
    assert watch.lap()[1].in_environment == 0


def test_a_watched_policy_is_gone_when_nobody_holds_it(tasks: tuple[Task, ...], backend: SandboxFactory) -> None:
    """It holds a model, whose memory training needs at once, not after the next garbage collection."""
    engine = WatchedEngine(Stopwatch(), LocalEngine())
    gc.disable()
    try:
        policy = engine.policy_for(Job(tasks[0], backend, OraclePolicy))
        held = weakref.ref(policy)
        del policy
        assert held() is None
    finally:
        gc.enable()
