"""`RecordEpisode`: what drives the environment by hand is recorded as a rollout is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gymnasium
import pytest

from journeyman.envs.codec import from_plain, plain
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.formats.atif import from_atif, to_atif
from journeyman.envs.replay import verify
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.record import RecordEpisode
from tests.envs.sandboxed import require_sandbox
from tests.envs.test_gymnasium import FIXING, REPORT
from tests.making import tiny_task


@pytest.fixture
def env(tmp_path: Path) -> RepoEnv:
    return RepoEnv(tiny_task(tmp_path / "task"), require_sandbox())


def test_an_episode_is_recorded_as_it_was_and_can_be_done_again(env: RepoEnv, tmp_path: Path) -> None:
    with EpisodeStore(tmp_path / "run") as store:
        recording = RecordEpisode(env, store, name_prefix="mine", policy="by hand")
        recording.reset(seed=3)
        recording.step("garbage")
        recording.step(FIXING)
        *_, info = recording.step(REPORT)
        recording.close()
    (episode,) = EpisodeStore(tmp_path / "run").episodes()
    assert episode.id.startswith("mine-") and (episode.policy, episode.seed) == ("by hand", 3)
    assert [step.action.tool for step in episode.steps] == ["malformed", "edit", "report"]
    assert (episode.stop, episode.reward, episode.verdict) == (StopReason.REPORTED, 1.0, info["verdict"])
    assert episode.versions["backend"] == env.factory.name and episode.steps[1].diff
    assert verify(episode, lambda: RepoEnv(env.task, env.factory, episode.config)).identical
    assert from_atif(to_atif(episode)) == episode == from_plain(Episode, plain(episode))


def test_what_is_left_before_its_end_is_recorded_as_interrupted(env: RepoEnv, tmp_path: Path) -> None:
    with EpisodeStore(tmp_path / "run") as store:
        recording = RecordEpisode(env, store)
        for _ in range(2):
            recording.reset()
            recording.step('{"tool": "view"}')
        recording.close()
        stops = [(each.stop, each.reward, len(each.steps)) for each in store.episodes()]
    assert stops == [(StopReason.INTERRUPTED, None, 1)] * 2


def test_the_trigger_chooses_and_the_rest_leaves_nothing(env: RepoEnv, tmp_path: Path) -> None:
    asked: list[int] = []

    def every_other(number: int) -> bool:
        asked.append(number)
        return number % 2 == 1

    with EpisodeStore(tmp_path / "run") as store:
        recording = RecordEpisode(env, store, episode_trigger=every_other)
        for _ in range(3):
            recording.reset()
            recording.step(REPORT)
        recording.close()
        assert (asked, len(store.summaries())) == ([0, 1, 2], 1)


@pytest.mark.parametrize(
    "make,error",
    [
        (lambda env, store: RecordEpisode(env, store, name_prefix="../up"), ValueError),
        (lambda env, store: RecordEpisode(gymnasium.make("CartPole-v1"), store), TypeError),
    ],
)
def test_what_cannot_be_recorded_is_said_at_once(
    env: RepoEnv, tmp_path: Path, make: Callable[..., object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        make(env, EpisodeStore(tmp_path / "run"))
