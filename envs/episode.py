"""The record of one episode: what was asked, done, seen and paid. Plain data; the store and the replay build on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from journeyman.envs.actions import Action
from journeyman.envs.notebook import episode_html
from journeyman.envs.observation import Observation
from journeyman.tasks.verdict import Verdict


class StopReason(StrEnum):
    """Why an episode ended. Every episode has exactly one."""

    REPORTED = "reported"
    """The policy ended it with `report`."""
    STEP_LIMIT = "step_limit"
    TOKEN_LIMIT = "token_limit"
    TIME_LIMIT = "time_limit"
    MALFORMED_LIMIT = "malformed_limit"
    """Too many actions in a row that could not be read."""
    POLICY_ERROR = "policy_error"
    SANDBOX_LOST = "sandbox_lost"
    """The policy's sandbox died; its files are gone, so there is nothing to grade."""
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class RewardTerm:
    """One named part of the reward, with where each unit comes from."""

    name: str
    weight: float
    value: float
    """In [0, 1]."""
    source: str
    """The check, rule or person that it traces to, in words."""

    @property
    def amount(self) -> float:
        return self.weight * self.value


@dataclass(frozen=True, slots=True)
class TestRun:
    """What one `test` action found."""

    __test__ = False  # not a pytest class

    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    chosen: bool = field(default=False, metadata={"sparse": True})
    """Nobody said which, and the environment ran the task's failing tests alone (`test_scope`)."""


class Change(StrEnum):
    """What a forked episode has that its parent had not."""

    POLICY = "policy"
    """Another policy acts, or the same one again."""
    HINT = "hint"
    """The policy is told something besides."""
    ACTION = "action"
    """An action that was given stands in the place of the parent's."""
    HUMAN = "human"
    """A person acts."""


@dataclass(frozen=True, slots=True)
class Ancestry:
    """Where a forked episode comes from."""

    episode: str
    """The parent's id."""
    step: int
    """So many of the parent's actions were done again; what follows is its own."""
    change: Change
    detail: str = ""
    """The policy's name, the hint, or the given action as JSON."""
    seed: int | None = field(default=None, metadata={"sparse": True})
    """Of the reset, which is that of the first ancestor: faults are drawn from it. `None` where there are none."""


@dataclass(frozen=True, slots=True)
class Step:
    """One action with its observation."""

    action: Action
    observation: Observation
    reward: float = 0.0
    tree_hash: str = ""
    """File state after the action."""
    diff: str = ""
    """Unified diff of what this action changed in the workspace; empty when nothing."""
    tests: TestRun | None = None
    duration_s: float = 0.0
    runner: str = ""
    """How a test run was started: "warm", or "cold: " and why; empty for what was no command."""
    output: str = ""
    """What the action answered, whole, where the observation had to be cut; else empty."""
    thought_s: float = 0.0
    """How long the policy took to choose the action, in seconds."""
    review: str = field(default="", metadata={"sparse": True})
    """What a reviewer said after it, as the observation's text ends with it; empty where nothing was said."""
    fault: str = field(default="", metadata={"sparse": True})
    """The fault that spoiled its answer (envs/faults), which the policy is not told; empty where none did."""

    @property
    def test_ids(self) -> tuple[str, ...]:
        """Every test that a test run tells of; none where it was no test run."""
        return (*self.tests.passed, *self.tests.failed, *self.tests.errors) if self.tests is not None else ()


@dataclass(frozen=True, slots=True)
class Episode:
    """The whole record from reset to a `StopReason`."""

    id: str
    task: str
    policy: str
    seed: int
    first: Observation
    """What the reset showed."""
    steps: tuple[Step, ...]
    stop: StopReason
    reward: float | None
    """Sum of the terms; `None` when unscored."""
    terms: tuple[RewardTerm, ...]
    verdict: Verdict | None
    started_at: str = ""
    """UTC, ISO 8601."""
    duration_s: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    """What made it: journeyman, task digest, backend, environment key, model, …"""
    config: dict[str, Any] = field(default_factory=dict)
    """The environment's settings, enough to re-execute it."""
    detail: str = ""
    """What went wrong, for the person who reads the record: the message of a policy's error."""
    ancestry: Ancestry | None = None
    """Of a forked episode: its parent, and where and how it left it."""
    fault: str = field(default="", metadata={"sparse": True})
    """The fault in what the reset showed (envs/faults); empty where there was none."""

    @property
    def reset_seed(self) -> int:
        """What its environment was reset with: a forked episode goes on from its ancestor's reset."""
        inherited = self.ancestry.seed if self.ancestry is not None else None
        return self.seed if inherited is None else inherited

    @property
    def resolved(self) -> bool:
        return self.verdict is not None and self.verdict.resolved is True

    def _repr_html_(self) -> str:
        return episode_html(self)
