"""What each step of an episode is worth: the mean return of episodes that go on from there, without an annotator.

    runs/RUN/values/ID/    the sampled episodes, a run of its own: each names its parent and the step

Reaching a step costs its action once; each sample takes a fork of the sandbox. What was sampled is kept, so an
interrupted estimate goes on where it was, and a larger one adds to a smaller one.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.query import Query
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.envs.summary import State, Summary
from journeyman.policies.fork import Branch, Different
from journeyman.policies.policy import Policy
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
    for each in _samples(EpisodeStore(values_folder(run, episode_id)), episode_id, policy):
        if each.forked_at is not None:
            by_step.setdefault(each.forked_at, []).append(each.reward)
    return tuple(_value(step, rewards) for step, rewards in sorted(by_step.items()))


def sample_values(
    parent: Episode,
    run: Path,
    make_env: Callable[[], RepoEnv],
    make_policy: Callable[[], Policy],
    samples: int,
    *,
    on_step: Callable[[StepValue, int], None] | None = None,
) -> tuple[StepValue, ...]:
    """Sample so many episodes from each step that has fewer, and return what each step is worth.

    Args:
        run: the run that the parent is of.
        on_step: told each step's value as soon as it is known, with how many steps there are.

    Raises:
        ForkError: the parent's actions do not lead where they led.
        KeyboardInterrupt: what was sampled is kept.
    """
    name = make_policy().name
    ends = parent.stop in (StopReason.REPORTED, StopReason.STEP_LIMIT, StopReason.MALFORMED_LIMIT)
    count = len(parent.steps) + (0 if ends else 1)  # after the step that ended it there is nothing to choose
    with EpisodeStore(values_folder(run, parent.id)) as store, Branch(make_env(), parent) as branch:
        done = {(each.forked_at, each.seed) for each in _samples(store, parent.id, name)}
        for step in range(count):
            branch.go_to(step)
            for seed in range(samples):
                if (step, seed) not in done:
                    branch.run(Different(make_policy(), seed=seed), store=store)
            if on_step is not None:
                on_step(next(each for each in step_values(run, parent.id, name) if each.step == step), count)
    return step_values(run, parent.id, name)


def _samples(store: EpisodeStore, parent: str, policy: str) -> Sequence[Summary]:
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
