"""`RecordEpisode`: whatever drives the environment, its episodes are recorded, to be replayed and viewed.

with EpisodeStore("runs/mine") as store:
    env = RecordEpisode(gymnasium.make("journeyman/Repo-v0", task="till-line-rounding"), store)
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import gymnasium

from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.recorder import Hearing, Recorder, new_episode_id
from journeyman.envs.repo_env import RepoEnv, read_action
from journeyman.envs.reviews import of_episode
from journeyman.envs.rewards import total
from journeyman.policies.rollout import step_of, versions_of


class RecordEpisode(gymnasium.Wrapper[str, str, str, str]):
    """Records each episode step by step, as a rollout does. Put it around the environment itself, below other wrappers:
    what it is given is what is recorded.

    An episode that is left by `reset` or `close` before its end is recorded as interrupted.

    Args:
        store: where episodes are recorded; it stays open.
        episode_trigger: takes the number of the episode, from 0, and says whether it is recorded; None records all.
        name_prefix: what the ids of the episodes begin with; letters, digits, "-" and "_".
        policy: who acts, for the record.

    Raises:
        TypeError: the environment is not one of journeyman's.
        ValueError: the prefix cannot begin an id.
    """

    def __init__(
        self,
        env: gymnasium.Env[str, str],
        store: Recorder,
        *,
        episode_trigger: Callable[[int], bool] | None = None,
        name_prefix: str = "",
        policy: str = "gymnasium",
    ) -> None:
        super().__init__(env)
        if not isinstance(env.unwrapped, RepoEnv):
            raise TypeError(f"RecordEpisode records journeyman/Repo-v0, not {type(env.unwrapped).__name__}")
        if not re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9_-]{0,59})?", name_prefix):
            raise ValueError(f"name_prefix {name_prefix[:80]!r}: give up to 60 letters, digits, '-' and '_'")
        self.episode_id = 0
        """Number of the next episode, as in Gymnasium's own recording wrappers."""
        self._store, self._policy = store, policy
        self._trigger = episode_trigger or (lambda number: True)
        self._prefix = f"{name_prefix}-" if name_prefix else ""
        self._episode: Episode | None = None
        self._started = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        self._leave()
        text, info = self.env.reset(seed=seed, options=options)
        env = self.env.unwrapped
        assert isinstance(env, RepoEnv)
        number, self.episode_id = self.episode_id, self.episode_id + 1
        if self._trigger(number):
            self._started = time.monotonic()
            episode = Episode(
                id=self._prefix + new_episode_id(), task=env.task.name, policy=self._policy, seed=info["seed"],
                first=info["observation"], steps=(), stop=StopReason.INTERRUPTED, reward=None, terms=(), verdict=None,
                started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
                versions=versions_of(env, info["tree_hash"]), config=env.config.to_dict(), fault=info["fault"],
            )  # fmt: skip
            self._store.begin(episode)
            self._episode = episode
        return text, info

    def step(self, action: str) -> tuple[str, Any, bool, bool, dict[str, Any]]:
        text, reward, terminated, truncated, info = self.env.step(action)
        if self._episode is not None:
            step = step_of(read_action(action), float(reward), info)
            self._episode = self._hear(info, replace(self._episode, steps=(*self._episode.steps, step)))
            if terminated or truncated:
                self._finish(info)
            else:
                self._store.step(self._episode.id, step)
        return text, reward, terminated, truncated, info

    def close(self) -> None:
        self._leave()
        super().close()

    def _hear(self, info: dict[str, Any], episode: Episode) -> Episode:
        """Keep what a reviewer said, as a rollout does."""
        if (review := info.get("review")) is None:
            return episode
        if review.entries and isinstance(self._store, Hearing):
            self._store.said(*of_episode(review.entries, episode.id))
        return replace(episode, detail="; ".join(filter(None, (episode.detail, review.failure))))

    def _leave(self) -> None:
        """An episode that did not come to its end has nothing to be graded."""
        self._finish({"stop": StopReason.INTERRUPTED, "terms": (), "verdict": None})

    def _finish(self, info: dict[str, Any]) -> None:
        episode, self._episode = self._episode, None
        if episode is not None:
            terms = info["terms"]
            duration = time.monotonic() - self._started
            self._store.finish(
                replace(episode, stop=info["stop"], reward=total(terms), terms=terms, verdict=info["verdict"],
                        duration_s=duration)
            )  # fmt: skip
