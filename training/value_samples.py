"""Sampling what each step of an episode is worth (training/values.py).

Reaching a step costs its action once; each sample takes a fork of the sandbox. What was sampled is kept, so an
interrupted estimate goes on where it was, and a larger one adds to a smaller one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.fork import Branch, Different
from journeyman.policies.policy import Policy
from journeyman.training.values import StepValue, samples_of, step_values, values_folder


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
        done = {(each.forked_at, each.seed) for each in samples_of(store, parent.id, name)}
        for step in range(count):
            branch.go_to(step)
            for seed in range(samples):
                if (step, seed) not in done:
                    branch.run(Different(make_policy(), seed=seed), store=store)
            if on_step is not None:
                on_step(next(each for each in step_values(run, parent.id, name) if each.step == step), count)
    return step_values(run, parent.id, name)
