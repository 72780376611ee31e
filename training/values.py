"""What each step of an episode is worth: the mean return of episodes that go on from there, without an annotator.

    runs/RUN/values/ID/    the sampled episodes, a run of its own: each names its parent and the step

What was sampled is read here, without all that sampling takes (training/value_samples.py).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from journeyman.envs.episode import StopReason
from journeyman.envs.query import Query
from journeyman.envs.store import EpisodeStore
from journeyman.envs.summary import State, Summary
from journeyman.training.stats import wilson


@dataclass(frozen=True, slots=True)
class StepValue:
    """What an episode was worth after so many steps."""

    step: int
    """0 is its beginning."""
    samples: int
    """Scored episodes that went on from there."""
    mean: float | None
    """Of their rewards; `None` without any."""
    low: float
    """The mean's 95% interval, for rewards between 0 and 1."""
    high: float
    unscored: int = 0
    """Episodes that went on from there and have no reward: a policy or a machine that failed."""


def values_folder(run: Path, episode_id: str) -> Path:
    """Where the samples of an episode's steps are kept."""
    return run / "values" / episode_id


def step_values(run: Path, episode_id: str, policy: str = "") -> tuple[StepValue, ...]:
    """What is known so far, by step; nothing where nothing was sampled.

    Args:
        policy: only what this policy made of it; else of all.
    """
    by_step: dict[int, list[float | None]] = {}
    for each in samples_of(EpisodeStore(values_folder(run, episode_id)), episode_id, policy):
        if each.forked_at is not None:
            by_step.setdefault(each.forked_at, []).append(each.reward)
    return tuple(_value(step, rewards) for step, rewards in sorted(by_step.items()))


def samples_of(store: EpisodeStore, parent: str, policy: str) -> Sequence[Summary]:
    """The sampled episodes that have ended, of one policy or, where none is named, of all."""
    found = store.find(Query(parent=parent)).summaries
    return [
        each for each in found
        if each.state is State.FINISHED and each.stop != StopReason.INTERRUPTED and policy in ("", each.policy)
    ]  # fmt: skip


def _value(step: int, rewards: Sequence[float | None]) -> StepValue:
    scored = [reward for reward in rewards if reward is not None]
    mean = statistics.fmean(scored) if scored else None
    low, high = wilson(min(max(mean or 0.0, 0.0), 1.0), len(scored))
    return StepValue(step, len(scored), mean, low, high, len(rewards) - len(scored))
