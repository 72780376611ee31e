"""The one loop: whatever a policy does, its episode ends with a reason and is kept."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from unittest.mock import Mock

import pytest

from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.envs.summary import State
from journeyman.policies.policy import PolicyError, TokenLimit
from journeyman.policies.rollout import RolloutCancelled, rollout, task_digest
from journeyman.policies.scripted import NoOpPolicy, RandomPolicy, ScriptedPolicy
from journeyman.tasks.task import Task
from tests.making import FIX, tiny_task

_LOOK = Action("view", {"path": "parcel.py"})
_MEND = Action("edit", {"path": "parcel.py", **FIX})


class _Failing(ScriptedPolicy):
    """Plays its script, then raises."""

    def __init__(self, actions: list[Action], error: BaseException) -> None:
        super().__init__(actions, name="failing")
        self._left, self._error, self.closed = len(actions), error, 0

    def act(self, observation: Observation) -> Action:
        if not self._left:
            raise self._error
        self._left -= 1
        return super().act(observation)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return tiny_task(tmp_path)


@pytest.fixture
def env(task: Task, backend: str) -> RepoEnv:
    return RepoEnv(task, backend)


@pytest.fixture
def store(tmp_path: Path) -> EpisodeStore:
    return EpisodeStore(tmp_path / "run")


def test_an_episode_is_told_whole_and_kept(env: RepoEnv, task: Task, store: EpisodeStore) -> None:
    turn = TokenTurn((1, 2), (3,), (-0.5,))
    actions = [dataclasses.replace(_LOOK, text="view parcel.py", tokens=turn), _MEND, Action("test")]
    episode = rollout(env, ScriptedPolicy(actions), seed=7, store=store)
    assert (episode.stop, episode.reward, episode.resolved) == (StopReason.REPORTED, 1.0, True)
    assert (episode.task, episode.policy, episode.seed) == ("tiny-parcel", "scripted", 7)
    assert task.instruction in episode.first.text
    view, edit, test, report = episode.steps
    assert (view.action.text, view.action.tokens) == ("view parcel.py", turn), "the token ledger travels with the step"
    assert ">= FREE_FROM" in edit.diff and not view.diff
    assert test.tests is not None and test.tests.passed
    assert [step.reward for step in episode.steps] == [0, 0, 0, 1]
    assert report.observation.step == 4
    assert set(episode.versions) == {"journeyman", "task", "backend", "environment", "python", "code"}
    assert all(step.thought_s >= 0 for step in episode.steps) and test.output, "what the runner printed is kept whole"
    assert EnvConfig.from_dict(episode.config) == EnvConfig()
    assert store.get(episode.id) == episode


def test_garbage_for_a_whole_episode_is_data(env: RepoEnv, store: EpisodeStore) -> None:
    episode = rollout(env, RandomPolicy(garbage_share=1), seed=0, store=store)
    assert (episode.stop, episode.reward) == (StopReason.MALFORMED_LIMIT, 0.0)
    assert all(not step.observation.ok for step in episode.steps)
    assert store.get(episode.id) == episode


@pytest.mark.parametrize("seed", range(3))
def test_random_calls_get_through_a_whole_episode(env: RepoEnv, task: Task, seed: int) -> None:
    episode = rollout(env, RandomPolicy(report_share=0), seed=seed)
    assert episode.stop in (StopReason.STEP_LIMIT, StopReason.MALFORMED_LIMIT)
    assert len(episode.steps) == task.budget.max_steps or episode.stop is StopReason.MALFORMED_LIMIT


def test_the_same_seed_gives_the_same_episode(env: RepoEnv) -> None:
    def facts() -> list[tuple[str, str, str]]:
        episode = rollout(env, RandomPolicy(), seed=11)
        return [(step.action.to_json(), step.observation.text, step.tree_hash) for step in episode.steps]

    assert facts() == facts()


def test_a_failing_policy_ends_unscored_with_its_reason(env: RepoEnv, store: EpisodeStore) -> None:
    policy = _Failing([_LOOK], PolicyError("the endpoint is down"))
    episode = rollout(env, policy, seed=0, store=store)
    assert (episode.stop, episode.reward, episode.verdict) == (StopReason.POLICY_ERROR, None, None)
    assert episode.detail == "the endpoint is down"
    assert policy.closed
    assert store.get(episode.id) == episode


def test_a_full_conversation_is_graded_as_it_stands(env: RepoEnv) -> None:
    episode = rollout(env, _Failing([_MEND], TokenLimit("full")), seed=0)
    assert (episode.stop, episode.reward) == (StopReason.TOKEN_LIMIT, 1.0)


def test_ctrl_c_keeps_what_was_done(env: RepoEnv, store: EpisodeStore) -> None:
    policy = _Failing([_LOOK, _MEND], KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        rollout(env, policy, seed=0, store=store)
    episode = store.get("last")
    assert (episode.stop, episode.reward, len(episode.steps)) == (StopReason.INTERRUPTED, None, 2)
    assert store.summaries()[0].state is State.FINISHED
    assert policy.closed
    assert rollout(env, NoOpPolicy(), seed=0).reward == 0.0, "the environment can be used again"


@pytest.mark.parametrize("error", [TokenLimit("full"), PolicyError("the endpoint is down")])
def test_ctrl_c_while_a_cut_episode_is_concluded_keeps_it_too(
    env: RepoEnv, store: EpisodeStore, error: PolicyError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "conclude", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        rollout(env, _Failing([_LOOK], error), seed=0, store=store)
    episode = store.get("last")
    assert (episode.stop, episode.reward, len(episode.steps)) == (StopReason.INTERRUPTED, None, 1)
    assert store.summaries()[0].state is State.FINISHED


def test_a_fault_in_the_code_is_raised_and_what_was_done_is_kept(env: RepoEnv, store: EpisodeStore) -> None:
    with pytest.raises(ZeroDivisionError):
        rollout(env, _Failing([_LOOK], ZeroDivisionError()), seed=0, store=store)
    store.close()
    assert store.summaries()[0].state is State.INTERRUPTED
    assert len(store.get("last").steps) == 1


def test_a_rollout_can_be_cancelled_before_it_acts(env: RepoEnv, store: EpisodeStore) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(RolloutCancelled):
        rollout(env, NoOpPolicy(), seed=0, store=store, cancelled=cancelled)
    assert store.get("last").stop is StopReason.INTERRUPTED


def test_a_task_is_known_by_its_content(tmp_path: Path) -> None:
    one, same = tiny_task(tmp_path / "one"), tiny_task(tmp_path / "same")
    other = tiny_task(tmp_path / "other", instruction="Something else.")
    assert task_digest(one, "t") == task_digest(same, "t")
    assert len({task_digest(task, tree) for task in (one, other) for tree in ("t", "u")}) == 4
    assert one.hidden is not None
    (one.hidden / "tests" / "test_hidden_parcel.py").write_text("changed")
    assert task_digest(one, "t") != task_digest(same, "t")
