"""What the steps of an episode were worth, where `journeyman value` has sampled it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from journeyman.envs.episode import Episode
from journeyman.training.values import StepValue, step_values

TURNS = 6
"""Steps that changed the value most, at the most."""
LEAST = 0.05
"""A smaller change is none to tell of."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A step after which more, or less, was to be expected than before it."""

    step: int
    """From 1."""
    tool: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Worth:
    values: tuple[StepValue, ...]
    """By step; only those with scored samples."""
    samples: int
    """Of all steps together."""
    turns: tuple[Turn, ...]
    """The largest changes, in the episode's order."""


def worth(episode: Episode, run: Path) -> Worth | None:
    """What was sampled so far, by whichever policy; None where nothing was.

    Args:
        run: the folder of the episode's run.
    """
    values = tuple(each for each in step_values(run, episode.id) if each.mean is not None)
    if not values:
        return None
    return Worth(values, sum(each.samples for each in values), _turns(episode, values))


def _turns(episode: Episode, values: Sequence[StepValue]) -> tuple[Turn, ...]:
    known = {each.step: each.mean for each in values if each.mean is not None}
    if episode.reward is not None:
        known.setdefault(len(episode.steps), episode.reward)  # the step that ended it: nothing goes on from there
    turns = [
        Turn(step, episode.steps[step - 1].action.tool, known[before], known[step])
        for before, step in pairwise(sorted(known))
        if step == before + 1 and step <= len(episode.steps) and abs(known[step] - known[before]) >= LEAST
    ]
    largest = sorted(turns, key=lambda turn: -abs(turn.after - turn.before))[:TURNS]
    return tuple(sorted(largest, key=lambda turn: turn.step))
