"""The groups that a step learns from: refilled, resumed, begun within a solution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.actions import Action
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.faults.settings import Faults
from journeyman.envs.observation import Observation
from journeyman.envs.store import EpisodeStore
from journeyman.policies.job import Job
from journeyman.policies.oracle import OraclePolicy
from journeyman.policies.policy import PolicyError
from journeyman.policies.scripted import NoOpPolicy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import TrainingError
from journeyman.training.credit import CreditSettings
from journeyman.training.groups import Groups, GroupSettings, member_seed
from journeyman.training.hybrid import HybridSettings
from journeyman.training.prefixes import Prefixes, last_change
from tests.making import tiny_task
from tests.training.groups import BUG, A, edited, episode, ran, reported


class Now:
    """Solves the tasks that it may, when its seed says so; else it reports at once."""

    def __init__(self, name: str, tasks: dict[str, Task], share: dict[str, float]) -> None:
        self.name, self._tasks, self._share = f"local:{name}", tasks, share
        self._policy: Any = None
        self._seed = 0

    def start(self, *, seed: int) -> None:
        self._seed, self._policy = seed, None

    def remember(self, observation: Observation, action: Action) -> None:
        self._choose(observation)

    def act(self, observation: Observation) -> Action:
        self._choose(observation)
        action: Action = self._policy.act(observation)
        return action

    def _choose(self, observation: Observation) -> None:
        """By the first thing that it reads."""
        if self._policy is None:
            task = next(task for task in self._tasks.values() if task.instruction in observation.text)
            solves = Random(self._seed).random() < self._share[task.name]
            self._policy = OraclePolicy(task) if solves else NoOpPolicy()
            self._policy.start(seed=self._seed)

    def close(self) -> None: ...


@pytest.fixture
def two(tmp_path: Path) -> dict[str, Task]:
    """A task, and the same one under another name and with other words."""
    first, second = tiny_task(tmp_path / "one"), tiny_task(tmp_path / "two")
    second = second.model_copy(update={"name": "tiny-other", "instruction": "Another one: " + second.instruction[::-1]})
    return {task.name: task for task in (first, second)}


def groups_of(
    tasks: dict[str, Task], store: EpisodeStore, folder: Path, backend: SandboxFactory,
    config: EnvConfig | None = None, place: tuple[int, int] = (0, 1), **settings: Any,
) -> Groups:  # fmt: skip
    chosen = GroupSettings(**{"size": 4, "credit": CreditSettings(state_share=0.0), **settings})
    config = config or EnvConfig()
    return Groups(
        list(tasks.values()), chosen, backend=backend, config=config, store=store, name="run",
        prefixes=Prefixes(folder / "prefixes", backend=backend, config=config), place=place,
    )  # fmt: skip


@given(run=st.integers(0, 2**31), size=st.integers(1, 16))
def test_every_episode_has_a_seed_of_its_own_and_a_group_one_quotient(run: int, size: int) -> None:
    seeds = [
        [member_seed(run, step, group, member, size) for member in range(size)]
        for step in range(20) for group in range(16)
    ]  # fmt: skip
    assert len({seed for group in seeds for seed in group}) == 20 * 16 * size
    assert all(len({seed // size for seed in group}) == 1 for group in seeds)


@pytest.mark.slow
def test_episodes_that_are_compared_meet_the_same_fault(
    tmp_path: Path, two: dict[str, Task], backend: SandboxFactory
) -> None:
    config = EnvConfig(faults=Faults())
    with EpisodeStore(tmp_path / "episodes") as store:
        groups = groups_of(two, store, tmp_path, backend, config, size=2, refills=0, from_within=False)
        met = []
        for step in range(4):
            for group in groups.collect(step, 2, lambda: Now("run", two, dict.fromkeys(two, 1.0))).played:
                struck = {each.fault or "".join(step.fault for step in each.steps) for each in group.episodes}
                assert len(struck) == 1
                met += struck
    assert len(set(met)) > 2, "and not one fault for all"


@pytest.mark.slow
def test_a_group_without_signal_is_replaced_and_none_is_played_twice_after_an_interrupt(
    tmp_path: Path, two: dict[str, Task], backend: SandboxFactory
) -> None:
    share = {"tiny-parcel": 0.0, "tiny-other": 0.5}
    with EpisodeStore(tmp_path / "episodes") as store:
        groups = groups_of(two, store, tmp_path, backend, seed=2, refills=1)
        first = groups.collect(0, 1, lambda: Now("run@0", two, share))
        names = [group.episodes[0].task for group in first.played]
        assert [group.has_signal for group in first.played] == ([False, True] if len(names) == 2 else [True])
        (group,) = first.groups
        assert group.has_signal and {episode.task for episode in group.episodes} == {"tiny-other"}
        assert first.facts()["groups/signal"] == 1.0

        def fails() -> Now:
            raise AssertionError("nothing is left to play")

        again = groups_of(two, store, tmp_path, backend, seed=2, refills=1).collect(0, 1, fails)
        assert [e.id for g in again.played for e in g.episodes] == [e.id for g in first.played for e in g.episodes]


@pytest.mark.slow
def test_without_refills_what_has_no_signal_stays(
    tmp_path: Path, two: dict[str, Task], backend: SandboxFactory
) -> None:
    with EpisodeStore(tmp_path / "episodes") as store:
        groups = groups_of(two, store, tmp_path, backend, refills=0, size=2)
        found = groups.collect(0, 3, lambda: Now("run@0", two, dict.fromkeys(two, 0.0)))
        assert len(found.groups) == len(found.played) == 3  # more groups than tasks: one is played twice
        assert found.facts() == {
            "resolved": 0.0, "groups/played": 3.0, "groups/signal_played": 0.0, "groups/signal": 0.0, "tokens": 0.0,
            "reward/outcome": 0.0, "reward/total": 0.0,
        }  # fmt: skip
        assert len({episode.seed for group in found.played for episode in group.episodes}) == 6


def test_what_other_terms_tell_apart_is_learned_where_the_grader_found_no_difference(
    tmp_path: Path, backend: SandboxFactory
) -> None:
    honest = episode(edited(), ran(failed=[A]), reported(("not_done", "add")), name="honest")
    liar = episode(edited(), ran(failed=[A]), reported(("tests_pass", "")), name="liar")
    with EpisodeStore(tmp_path / "episodes") as store:
        for hybrid, told_apart in ((HybridSettings(), True), (None, False)):
            group = groups_of({"shop": BUG}, store, tmp_path, backend, hybrid=hybrid)._credited([honest, liar])
            assert not group.has_signal
            assert all((better > 0 > worse) == told_apart for better, worse in zip(*group.advantages, strict=True))


@pytest.mark.slow
def test_what_is_too_hard_is_begun_within_its_solution(
    tmp_path: Path, two: dict[str, Task], backend: SandboxFactory
) -> None:
    hard = {"tiny-parcel": two["tiny-parcel"]}
    with EpisodeStore(tmp_path / "episodes") as store:
        groups = groups_of(hard, store, tmp_path, backend, size=8, refills=0)
        groups.collect(0, 1, lambda: Now("run@0", hard, {"tiny-parcel": 0.0}))
        (group,) = groups.collect(1, 1, lambda: Now("run@1", hard, {"tiny-parcel": 0.0})).groups
        solution = Prefixes(tmp_path / "prefixes", backend=backend, config=EnvConfig()).of(hard["tiny-parcel"])
        assert solution is not None and solution.resolved
        for episode in group.episodes:
            assert episode.ancestry is not None
            assert (episode.ancestry.episode, episode.ancestry.step) == (solution.id, last_change(solution))
            assert episode.steps[0].action.tool == solution.steps[0].action.tool
            assert not any(step.diff for step in episode.steps[: episode.ancestry.step])


def test_a_step_that_was_played_survives_a_group_that_fails(
    tmp_path: Path, backend: SandboxFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = {name: BUG.model_copy(update={"name": name}) for name in ("first", "second")}
    begun: list[str] = []

    def play(jobs: Sequence[Job], **_: object) -> list[Episode]:
        """The first task's group; of the other one the endpoint is down."""
        begun.extend(job.task.name for job in jobs)
        down = {"stop": StopReason.POLICY_ERROR, "reward": None, "terms": (), "detail": "the server restarts"}
        done = [replace(episode(edited()), task=job.task.name, seed=job.seed) for job in jobs]
        return [each if each.task == begun[0] else replace(each, **down) for each in done]

    monkeypatch.setattr("journeyman.training.groups.rollout_many", play)
    with EpisodeStore(tmp_path / "episodes") as store:
        groups = groups_of(tasks, store, tmp_path, backend, size=2, from_within=False)
        found = groups.collect(0, 1, NoOpPolicy)
    assert len(found.played) == 2 and len(set(begun)) == 2, "its group had no signal, and another was tried"
    assert [each.task for each in found.groups[0].episodes] == [begun[0]] * 2


@pytest.mark.parametrize("count", [12, 5, 2])
def test_no_task_is_played_by_two_processes_in_a_step(
    tmp_path: Path, backend: SandboxFactory, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """A third of the tasks tell a group's episodes apart; of the others each process replaces as many as it has."""
    tasks = {name: BUG.model_copy(update={"name": name}) for name in (f"task-{n}" for n in range(count))}
    begun: list[str] = []

    def play(jobs: Sequence[Job], **_: object) -> list[Episode]:
        begun.extend(dict.fromkeys(job.task.name for job in jobs))
        return [
            replace(episode(edited()), task=job.task.name, seed=job.seed, reward=float(told and job.seed % 2))
            for job in jobs
            for told in [int(job.task.name.partition("-")[2]) % 3 == 0]
        ]

    monkeypatch.setattr("journeyman.training.groups.rollout_many", play)
    refilled = 0
    with EpisodeStore(tmp_path / "episodes") as store:
        for step in range(8):
            begun.clear()
            for place in (0, 1):
                groups = groups_of(tasks, store, tmp_path, backend, size=2, from_within=False, place=(place, 2))
                groups.collect(step, 1, NoOpPolicy)
            assert len(set(begun)) == len(begun)
            refilled += len(begun) - 2
    assert bool(refilled) == (count > 2), "where there are tasks left"


@pytest.mark.slow
def test_a_policy_that_plays_nothing_ends_the_run(
    tmp_path: Path, two: dict[str, Task], backend: SandboxFactory
) -> None:
    class Broken(Now):
        def act(self, observation: Observation) -> Action:
            raise PolicyError("no weights")

    with EpisodeStore(tmp_path / "episodes") as store:
        groups = groups_of(two, store, tmp_path, backend, size=2)
        with pytest.raises(TrainingError, match="no episode of step 1 could be played: no weights"):
            groups.collect(0, 1, lambda: Broken("run@0", two, {}))
        assert all(episode.stop is StopReason.POLICY_ERROR for episode in store.episodes())
