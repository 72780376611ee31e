"""A new episode from a recorded one: its actions are done again up to a step, then somebody else goes on.

The files, the record and what the policy was shown are those of the parent, which the tree hashes prove on the way.
So a fork is an episode like any other, and `verify` does all of it again.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from journeyman.envs.actions import Action
from journeyman.envs.episode import Ancestry, Change, Episode, Step
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import Recorder
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.policy import Policy
from journeyman.policies.rollout import Start, rollout, step_of
from journeyman.sandbox.sandbox import Snapshot


class ForkError(RuntimeError):
    """No episode can go on from there; the message says why."""


@dataclass(frozen=True, slots=True)
class Different:
    """What is not as it was in the parent."""

    policy: Policy
    """Who goes on."""
    change: Change = Change.POLICY
    hint: str = ""
    action: Action | None = None
    """Done first, before the policy is asked."""
    seed: int = 0

    @property
    def detail(self) -> str:
        return self.hint or (self.action.to_json() if self.action is not None else self.policy.name)


class Branch:
    """A recorded episode done again up to a step; any number of episodes can go on from there, and it can be moved on.

    Args:
        env: with the task, backend and settings of the parent; it is closed with the branch.

    Raises:
        ForkError: the episode is over there, or it is not what it was: its task or its environment changed.
        SandboxError: the environment cannot be made here.
    """

    def __init__(self, env: RepoEnv, parent: Episode, at: int = 0) -> None:
        self._env, self._parent = env, parent
        self._steps: list[Step] = []
        try:
            _, info = env.reset(seed=parent.reset_seed)
            self._first: Observation = info["observation"]
            self._tree_hash: str = info["tree_hash"]
            self._fault: str = info["fault"]
            self.go_to(at)
        except BaseException:
            self.close()
            raise

    @property
    def at(self) -> int:
        """So many of the parent's actions are done."""
        return len(self._steps)

    @property
    def snapshot(self) -> Snapshot:
        """The files there."""
        return self._env.snapshot

    def go_to(self, at: int) -> None:
        """Do the parent's actions up to step `at`. Raises as the class does."""
        if not self.at <= at <= len(self._parent.steps):
            raise ForkError(
                f"episode {self._parent.id} has {len(self._parent.steps)} steps: fork at 0 (its beginning) or after one"
            )
        self._env.recall([step.review for step in self._parent.steps[self.at : at]])
        while self.at < at:
            recorded = self._parent.steps[self.at]
            _, reward, _, _, info = self._env.step(recorded.action.to_json())
            if "stop" in info:
                raise ForkError(f"step {self.at + 1} ends the episode ({info['stop']}): fork before it")
            if info["tree_hash"] != recorded.tree_hash:
                raise ForkError(
                    f"step {self.at + 1} leaves other files than it did when it was recorded, so this is not the same "
                    "episode any more; `journeyman replay --verify` shows what differs"
                )
            if info["fault"] != recorded.fault:
                raise ForkError(
                    f"step {self.at + 1} is answered otherwise than it was: with other settings the fault finds "
                    "another occasion"
                )
            self._steps.append(step_of(recorded.action, reward, info, recorded.thought_s))

    def run(
        self,
        different: Different,
        *,
        store: Recorder | None = None,
        cancelled: threading.Event | None = None,
        last: bool = False,
    ) -> Episode:
        """One episode from here to its end. Raises as `rollout` does.

        Args:
            last: the branch's own environment is used up; else a fork of it is, and the branch stays as it is.
        """
        seed = self._parent.reset_seed if self._env.config.faults is not None else None
        ancestry = Ancestry(self._parent.id, self.at, different.change, different.detail, seed)
        start = Start(self._first, tuple(self._steps), self._tree_hash, ancestry, different.hint, fault=self._fault)
        policy = different.policy if different.action is None else _Given(different.policy, different.action, self.at)
        env = self._env if last else self._env.fork()
        return rollout(env, policy, seed=different.seed, store=store, cancelled=cancelled, start=start)

    def close(self) -> None:
        """End the branch's sandbox. Idempotent."""
        self._env.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class _Given:
    """Does an action that was given, then lets a policy go on as if it had been its own."""

    def __init__(self, policy: Policy, action: Action, at: int) -> None:
        self.name, self._policy, self._action, self._at = policy.name, policy, action, at
        self._seen: Observation | None = None

    def start(self, *, seed: int) -> None:
        self._policy.start(seed=seed)

    def remember(self, observation: Observation, action: Action) -> None:
        """See `Remembering`."""
        if (remember := getattr(self._policy, "remember", None)) is not None:
            remember(observation, action)

    def versions(self) -> dict[str, str]:
        """See `Versioned`."""
        versions = getattr(self._policy, "versions", dict[str, str])
        return dict(versions())

    def act(self, observation: Observation) -> Action:
        if observation.step == self._at:
            self._seen = observation
            return self._action
        if self._seen is not None:
            seen, self._seen = self._seen, None
            self.remember(seen, self._action)
        return self._policy.act(observation)

    def close(self) -> None:
        self._policy.close()
