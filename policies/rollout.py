"""The one loop in which a policy meets an environment.

A bad rollout is data, not a crash: a policy that fails ends its episode with `POLICY_ERROR`, a full conversation with
`TOKEN_LIMIT`, Ctrl-C with `INTERRUPTED`, and each is recorded like any other end. What is raised is what no episode
can answer for: an environment that cannot be made, a disk that takes no record, a fault in the code.
"""

from __future__ import annotations

import hashlib
import platform
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from journeyman import __version__
from journeyman.envs.actions import Action
from journeyman.envs.episode import Ancestry, Episode, Step, StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import Hearing, Recorder, new_episode_id
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.reviews import of_episode
from journeyman.envs.rewards import total
from journeyman.policies.policy import Policy, PolicyError, Remembering, TokenLimit, Versioned
from journeyman.tasks.task import Task


class RolloutCancelled(Exception):
    """Somebody else asked this rollout to end; its episode is recorded as interrupted."""


def rollout(
    env: RepoEnv,
    policy: Policy,
    *,
    seed: int,
    store: Recorder | None = None,
    cancelled: threading.Event | None = None,
    start: Start | None = None,
) -> Episode:
    """Run one episode from reset, or from where another one stood, to its `StopReason`.

    The sandbox is closed when it returns or raises, and so is what the policy held; both can be used again.

    Args:
        seed: of the environment's reset and of the policy's sampling.
        store: where the episode is recorded as it runs.
        cancelled: when set by another thread, the episode ends before its next step.
        start: where to go on from instead of resetting; `env` stands there.

    Raises:
        KeyboardInterrupt, RolloutCancelled: after the episode was recorded as interrupted.
        SandboxUnavailable, ImageError, TaskError: the environment cannot be reset; nothing was recorded.
        LogWriteError: the record cannot be written.
    """
    try:
        return _Rollout(env, policy, seed, store, cancelled or threading.Event(), start).run()
    finally:
        policy.close()
        env.close()


@dataclass(frozen=True, slots=True)
class Start:
    """Where a forked episode begins: its environment has done the parent's actions up to there again."""

    first: Observation
    steps: tuple[Step, ...]
    tree_hash: str
    """Of the pristine repository."""
    ancestry: Ancestry
    hint: str = ""
    """Told to the policy with the observation that it goes on from; the record has it as the ancestry's detail."""
    fault: str = ""
    """What was wrong in what the reset showed (`Episode.fault`)."""


class _Rollout:
    """One episode on its way."""

    def __init__(
        self, env: RepoEnv, policy: Policy, seed: int, store: Recorder | None, cancelled: threading.Event,
        start: Start | None,
    ) -> None:  # fmt: skip
        self._env, self._policy, self._seed, self._store, self._cancelled = env, policy, seed, store, cancelled
        self._started = time.monotonic()
        self._start = start
        self._steps: list[Step] = []
        self._id = ""
        self._failures: list[str] = []

    def run(self) -> Episode:
        started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        if self._start is None:
            _, info = self._env.reset(seed=self._seed)
            first, tree_hash, ancestry, fault = info["observation"], info["tree_hash"], None, info["fault"]
        else:
            first, tree_hash, ancestry = self._start.first, self._start.tree_hash, self._start.ancestry
            fault = self._start.fault
        episode = Episode(
            id=new_episode_id(), task=self._env.task.name, policy=self._policy.name, seed=self._seed,
            first=first, steps=(), stop=StopReason.INTERRUPTED, reward=None, terms=(), verdict=None,
            started_at=started_at, versions=versions_of(self._env, tree_hash, self._policy),
            config=self._env.config.to_dict(), ancestry=ancestry, fault=fault,
        )  # fmt: skip
        self._id = episode.id
        if self._store is not None:
            self._store.begin(episode)
        try:
            return self._ended(episode)
        except (KeyboardInterrupt, RolloutCancelled):
            # It may have come while the environment was grading: then there is nothing left to conclude.
            self._finished(episode, {"stop": StopReason.INTERRUPTED, "terms": (), "verdict": None})
            raise

    def _ended(self, episode: Episode) -> Episode:
        """Play to the end, the environment's or the policy's."""
        try:
            return self._finished(episode, self._play(episode))
        except PolicyError as error:
            stop = StopReason.TOKEN_LIMIT if isinstance(error, TokenLimit) else StopReason.POLICY_ERROR
            _, info = self._env.conclude(stop)
            self._hear(info)
            return self._finished(replace(episode, detail=str(error)), info)

    def _play(self, episode: Episode) -> dict[str, Any]:
        """Act and answer until the environment ends it; returns the last step's `info`."""
        self._policy.start(seed=self._seed)
        observation = self._go_back(episode)
        while True:
            if self._cancelled.is_set():
                raise RolloutCancelled(f"episode {episode.id} was cancelled")
            asked = time.monotonic()
            action = self._policy.act(observation)
            thought_s = time.monotonic() - asked
            _, reward, _, _, info = self._env.step(action.to_json())
            observation = info["observation"]
            step = step_of(action, reward, info, thought_s)
            self._steps.append(step)
            self._hear(info)
            if "stop" in info:
                return info
            if self._store is not None:
                self._store.step(episode.id, step)

    def _go_back(self, episode: Episode) -> Observation:
        """Tell the policy, and the store, of what was done before it came; returns what it goes on from."""
        observation = episode.first
        for step in self._start.steps if self._start is not None else ():
            if isinstance(self._policy, Remembering):
                self._policy.remember(observation, step.action)
            self._steps.append(step)
            if self._store is not None:
                self._store.step(episode.id, step)
            observation = step.observation
        hint = self._start.hint if self._start is not None else ""
        return replace(observation, text=f"{observation.text}\n\nHint: {hint}") if hint else observation

    def _hear(self, info: Mapping[str, Any]) -> None:
        """Keep what a reviewer said. It comes before the step that holds it: so nothing that was said is ever lost."""
        if (review := info.get("review")) is None:
            return
        if review.failure:
            self._failures.append(review.failure)
        if isinstance(self._store, Hearing) and review.entries:
            self._store.said(*of_episode(review.entries, self._id))

    def _finished(self, episode: Episode, info: dict[str, Any]) -> Episode:
        detail = "; ".join(filter(None, (episode.detail, *self._failures)))
        episode = replace(
            episode, steps=tuple(self._steps), stop=info["stop"], reward=total(info["terms"]), terms=info["terms"],
            verdict=info["verdict"], duration_s=time.monotonic() - self._started, detail=detail,
        )  # fmt: skip
        if self._store is not None:
            self._store.finish(episode)
        return episode


def step_of(action: Action, reward: float, info: Mapping[str, Any], thought_s: float = 0.0) -> Step:
    """The record of a step that the environment has just done: with the action as the policy gave it."""
    return Step(
        action, info["observation"], reward, info["tree_hash"], info["diff"], info["tests"], info["duration_s"],
        info["runner"], info["output"], thought_s, review.text if (review := info.get("review")) is not None else "",
        info.get("fault", ""),
    )  # fmt: skip


def versions_of(env: RepoEnv, tree_hash: str, policy: Policy | None = None) -> dict[str, str]:
    """What makes an episode of this environment, and of this policy.

    Args:
        tree_hash: of the pristine tree.
    """
    versions = {
        "journeyman": __version__,
        "task": task_digest(env.task, tree_hash),
        "backend": env.factory.name,
        "environment": env.task.environment.key,
        "python": platform.python_version(),
        "code": _code(),
    }
    if env.reviews is not None:
        versions |= env.reviews.versions()
    return versions | place_of(env.task) | (policy.versions() if isinstance(policy, Versioned) else {})


_hashing = threading.Lock()


def _code() -> str:
    """The hash, made once though many episodes begin at the same time."""
    with _hashing:
        return _code_hash()


@cache
def _code_hash() -> str:
    """SHA-256 over Journeyman's own code as it runs here: a version number says little of a clone that was changed."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for room in ("sandbox", "tasks", "envs", "policies"):
        for path in sorted((root / room).rglob("*.py")):
            if not {"library", "templates", "hacks"} & set(path.parts):
                digest.update(f"{path.relative_to(root).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def place_of(task: Task) -> dict[str, str]:
    """Where the task's folder is, so that a replay finds the task again; nothing for one that was made in memory."""
    folder = task.repository.parent.parent  # where a task folder keeps its repository
    return {"task_folder": str(folder)} if (folder / "task.toml").is_file() else {}


def task_digest(task: Task, tree_hash: str) -> str:
    """Content hash of what an episode of a task depends on: its declaration, its pristine tree, its hidden files."""
    left_out = {"repository", "hidden", "solution", "metadata"}
    if task.infeasible is None:  # as before there were any: an older record is of the same task
        left_out.add("infeasible")
    declared = task.model_dump_json(exclude=left_out)
    digest = hashlib.sha256(f"{tree_hash}\n{declared}".encode())
    if task.hidden is not None:
        for path in sorted(path for path in task.hidden.rglob("*") if path.is_file()):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"\n{path.relative_to(task.hidden).as_posix()} {content}".encode())
    return digest.hexdigest()
