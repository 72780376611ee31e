"""Many episodes at once, the same in threads and on a cluster: each is recorded once, and an error ends them all."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.store import EpisodeStore
from journeyman.envs.summary import State
from journeyman.policies.job import Engine, EngineError, Job
from journeyman.policies.policy import Policy, PolicyError
from journeyman.policies.registry import make_policy
from journeyman.policies.rollout_many import open_engine, rollout_many
from journeyman.policies.scripted import NoOpPolicy, ScriptedPolicy
from journeyman.sandbox.sandbox import Environment, ImageError
from journeyman.tasks.task import Task
from tests.making import tiny_task

_LOOK = Action("view", {"path": "parcel.py"})


class Failing(NoOpPolicy):
    """Looks once, then raises."""

    name = "failing"

    def __init__(self, error: Exception) -> None:
        self._error, self._looked = error, False

    def act(self, observation: Observation) -> Action:
        if self._looked:
            raise self._error
        self._looked = True
        return _LOOK


class Deadly(NoOpPolicy):
    """Looks once, then takes its whole process with it, as often as `lives` has files to take away."""

    name = "deadly"

    def __init__(self, lives: Path) -> None:
        self._lives, self._looked = lives, False

    def act(self, observation: Observation) -> Action:
        if not self._looked:
            self._looked = True
            return _LOOK
        for life in sorted(self._lives.iterdir()):
            life.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().act(observation)


def looks_forever() -> Policy:
    return ScriptedPolicy([_LOOK] * 10_000)


def never(_: Task) -> Policy:
    raise AssertionError("this job must not begin")


@pytest.fixture(params=["local", "processes", "ray"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "ray":
        request.getfixturevalue("ray_here")
    with open_engine(request.param) as engine:
        yield engine


@pytest.fixture
def on_ray(ray_here: None) -> Iterator[Engine]:
    with open_engine("ray") as engine:
        yield engine


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return tiny_task(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EpisodeStore]:
    with EpisodeStore(tmp_path / "run") as store:
        yield store


def test_they_come_back_in_order_and_are_recorded_once(
    engine: Engine, backend: str, task: Task, store: EpisodeStore
) -> None:
    jobs = [Job(task, backend, partial(make_policy, ("noop", "oracle")[n % 2]), seed=n) for n in range(6)]
    told: list[tuple[int, Episode]] = []
    episodes = rollout_many(
        jobs, store=store, concurrency=3, engine=engine, on_done=lambda n, episode: told.append((n, episode))
    )
    assert [episode.seed for episode in episodes] == list(range(6))
    assert [episode.reward for episode in episodes] == [0.0, 1.0] * 3
    assert sorted(n for n, _ in told) == list(range(6))
    assert all(episodes[n] is episode for n, episode in told)
    assert sorted(store.episodes(), key=lambda e: e.seed) == episodes, "what came back is what was recorded"
    assert all(summary.state is State.FINISHED for summary in store.summaries())


def test_jobs_are_asked_for_only_when_there_is_a_place(engine: Engine, backend: str, task: Task) -> None:
    asked: list[int] = []
    done: list[int] = []

    def jobs() -> Iterator[Job]:
        for n in range(5):
            assert len(asked) - len(done) < 2, "never more than `concurrency` in flight"
            asked.append(n)
            yield Job(task, backend, partial(make_policy, "noop"), seed=n)

    rollout_many(jobs(), concurrency=2, engine=engine, on_done=lambda n, _: done.append(n))
    assert asked == sorted(done) == list(range(5))


def test_nothing_to_run_is_nothing(engine: Engine) -> None:
    assert rollout_many([], engine=engine) == []
    with pytest.raises(ValueError, match="at least 1"):
        rollout_many([], concurrency=0, engine=engine)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_error_in_one_ends_the_others_and_keeps_them(
    engine: Engine, backend: str, task: Task, store: EpisodeStore, error: type[BaseException]
) -> None:
    begun = threading.Event()

    class Watched:
        """The store; says when the long episode has taken a step."""

        begin, finish = staticmethod(store.begin), staticmethod(store.finish)

        def step(self, episode_id: str, step: object) -> None:
            store.step(episode_id, step)  # type: ignore[arg-type]
            begun.set()

    def fail(number: int, episode: Episode) -> None:
        assert begun.wait(60)
        raise error

    jobs = [
        Job(task, backend, lambda _: NoOpPolicy()),
        Job(task, backend, lambda _: looks_forever(), config={"max_steps": 10_000}),
        Job(task, backend, never),
    ]
    with pytest.raises(error):
        rollout_many(jobs, store=Watched(), concurrency=2, on_done=fail, engine=engine)
    by_policy = {summary.policy: summary for summary in store.summaries()}
    assert by_policy["scripted"].stop == StopReason.INTERRUPTED and by_policy["scripted"].steps
    assert all(summary.state is State.FINISHED for summary in by_policy.values())


def test_a_policy_that_fails_is_data(engine: Engine, backend: str, task: Task, store: EpisodeStore) -> None:
    jobs = [Job(task, backend, lambda _: Failing(PolicyError("the endpoint is down")))]
    (episode,) = rollout_many(jobs, store=store, engine=engine)
    assert (episode.stop, episode.reward, episode.detail) == (StopReason.POLICY_ERROR, None, "the endpoint is down")
    assert store.get(episode.id) == episode


def test_a_fault_in_the_code_is_raised_and_what_was_done_is_kept(
    engine: Engine, backend: str, task: Task, store: EpisodeStore
) -> None:
    with pytest.raises(ZeroDivisionError, match="by hand"):
        rollout_many([Job(task, backend, lambda _: Failing(ZeroDivisionError("by hand")))], store=store, engine=engine)
    store.close()
    (summary,) = store.summaries()
    assert (summary.state, summary.steps) == (State.INTERRUPTED, 1)


def test_a_policy_that_exits_takes_no_worker_with_it(on_ray: Engine, backend: str, task: Task) -> None:
    with pytest.raises(EngineError, match=r"tiny-parcel, seed 7 raised SystemExit\(3\)"):
        rollout_many([Job(task, backend, lambda _: sys.exit(3), seed=7)], engine=on_ray)
    assert on_ray.facts()["lost_workers"] == 0


def test_a_task_that_cannot_be_built_is_raised(engine: Engine, tmp_path: Path, store: EpisodeStore) -> None:
    task = tiny_task(tmp_path, environment=Environment(python="3.99"))
    with pytest.raises(ImageError, match=r"needs Python 3\.99"):
        rollout_many([Job(task, "namespace", lambda _: NoOpPolicy())], store=store, engine=engine)
    assert not store.summaries()


def test_an_engine_by_a_name_that_is_none() -> None:
    with pytest.raises(EngineError, match="there are: local, processes, ray"):
        open_engine("cloud")


def test_a_task_made_elsewhere_travels_with_its_files(on_ray: Engine, backend: str, task: Task) -> None:
    (episode,) = rollout_many([Job(task, backend, partial(make_policy, "oracle"))], engine=on_ray)
    (here,) = rollout_many([Job(task, backend, partial(make_policy, "oracle"))])
    assert episode.resolved
    assert episode.versions == here.versions, "the record says nothing of where it was made"


def test_a_job_whose_worker_dies_is_begun_again_and_counts_once(
    on_ray: Engine, backend: str, task: Task, store: EpisodeStore, tmp_path: Path
) -> None:
    lives = tmp_path / "lives"
    lives.mkdir()
    (lives / "1").touch()
    jobs = [Job(task, backend, lambda _: Deadly(lives), seed=7)]
    (episode,) = rollout_many(jobs, store=store, engine=on_ray)
    assert episode.stop is StopReason.REPORTED
    *lost, kept = store.episodes()
    assert kept == episode
    assert len(lost) <= 1, "what it had told before it died"
    assert all(each.stop is StopReason.INTERRUPTED and "worker was lost" in each.detail for each in lost)
    assert on_ray.facts()["lost_workers"] == 1


def test_a_job_that_kills_every_worker_is_named(on_ray: Engine, backend: str, task: Task, tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    lives.mkdir()
    for n in range(20):
        (lives / f"{n:02}").touch()
    with pytest.raises(EngineError, match=r"tiny-parcel, seed 7: its worker was lost 4 times"):
        rollout_many([Job(task, backend, lambda _: Deadly(lives), seed=7)], engine=on_ray)
    assert len(list(lives.iterdir())) == 16, "four attempts"


def test_episodes_go_where_their_environment_is(on_ray: Engine, backend: str, task: Task) -> None:
    rollout_many([Job(task, backend, lambda _: NoOpPolicy())] * 3, engine=on_ray, concurrency=1)
    assert on_ray.facts() == {"begun": 3, "where_built": 2, "lost_workers": 0}


def test_no_more_run_on_a_node_than_its_processors_allow(ray_here: None, backend: str, task: Task) -> None:
    with open_engine("ray", episode_cpus=2) as engine:
        jobs = [Job(task, backend, lambda _: NoOpPolicy(), seed=n) for n in range(3)]
        spans = [(e.started_at, e.duration_s) for e in rollout_many(jobs, engine=engine, concurrency=3)]
    assert len({started for started, _ in spans}) == 3
    with pytest.raises(EngineError, match="no node of the cluster has the 3 processors"):
        open_engine("ray", episode_cpus=3)


def test_a_process_is_in_one_cluster_only(on_ray: Engine) -> None:
    with pytest.raises(EngineError, match="joined the Ray cluster at"):
        open_engine("ray", address="10.0.0.1:6379")


@pytest.mark.parametrize("engine", ["local", "processes"], indirect=True)
def test_one_that_cannot_get_to_where_it_begins_ends_unscored(
    engine: Engine, backend: str, task: Task, store: EpisodeStore
) -> None:
    (parent,) = rollout_many([Job(task, backend, lambda _: ScriptedPolicy([_LOOK, _LOOK]))])
    other = replace(parent, steps=(replace(parent.steps[0], tree_hash="of other files"), *parent.steps[1:]))
    jobs = [Job(task, backend, lambda _: NoOpPolicy(), start=(start, 1)) for start in (parent, other)]
    fine, lost = rollout_many(jobs, store=store, engine=engine)
    assert (fine.reward, fine.ancestry and fine.ancestry.step) == (0.0, 1)
    assert (lost.stop, lost.reward, lost.verdict) == (StopReason.SANDBOX_LOST, None, None)
    assert "other files" in lost.detail and lost.ancestry == fine.ancestry
    assert {summary.id for summary in store.summaries() if summary.state is State.FINISHED} == {fine.id, lost.id}
