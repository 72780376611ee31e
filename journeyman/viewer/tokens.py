"""Tokens as a heat map: what a model sampled, coloured by how sure it was, and what its environment fed it between."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

from journeyman.envs.actions import TokenTurn
from journeyman.envs.episode import Episode
from journeyman.envs.summary import Summary

LEVELS = (
    (0.9, "0.9 and more"),
    (0.5, "0.5 to 0.9"),
    (0.1, "0.1 to 0.5"),
    (0.01, "0.01 to 0.1"),
    (0.0, "less than 0.01"),
)
"""Lowest probability of each level, and its words; level 0 is the surest."""


@dataclass(frozen=True, slots=True)
class Heat:
    """Neighbouring tokens of one level."""

    level: int
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What an episode's tokens come to."""

    turns: int
    fed: int
    """Tokens of the prompt and of the environment: masked, never in the loss."""
    sampled: int
    """Tokens of the model: those that are trained on."""
    mean: float
    """Of the sampled tokens' log-probabilities; NaN without any."""
    advantage: float | None
    """The reward less the mean of its group, as GRPO takes it; None where it has no group or no reward."""
    group: int
    """Scored episodes of the same task and policy (for GRPO: the same weights) in this run, itself included."""


def heat(turn: TokenTurn) -> Iterator[Heat]:
    """A turn's sampled tokens, level by level."""
    pairs = zip(turn.sampled_ids, turn.logprobs, strict=False)
    for level, members in groupby(pairs, key=lambda pair: level_of(pair[1])):
        yield Heat(level, tuple(token for token, _ in members))


def level_of(logprob: float) -> int:
    """Index in `LEVELS`; what is no number counts as the least sure."""
    probability = math.exp(min(logprob, 0.0)) if not math.isnan(logprob) else 0.0
    return next(n for n, (lowest, _) in enumerate(LEVELS) if probability >= lowest)


def mean_of(turn: TokenTurn) -> float:
    """Mean log-probability of what was sampled; NaN without any."""
    return fmean(turn.logprobs) if turn.logprobs else math.nan


def as_text(turn: TokenTurn) -> str:
    """The same as a table in plain text: place, id, log-probability, mask."""
    rows = ["place\tid\tlog p\tin the loss"]
    rows += [
        f"{n}\t{token}\t{logprob:.4f}\tyes"
        for n, (token, logprob) in enumerate(zip(turn.sampled_ids, turn.logprobs, strict=False), 1)
    ]
    return "\n".join(rows)


def ledger(episode: Episode, group: Iterable[Summary] = ()) -> Ledger | None:
    """None where no model acted.

    Args:
        group: episodes of the run; those of the same task and policy are taken.
    """
    turns = [step.action.tokens for step in episode.steps if step.action.tokens is not None]
    if not turns:
        return None
    logprobs = [logprob for turn in turns for logprob in turn.logprobs]
    rewards = _rewards(episode, group)
    advantage = episode.reward - fmean(rewards) if episode.reward is not None and len(rewards) > 1 else None
    return Ledger(
        turns=len(turns),
        fed=sum(len(turn.prompt_ids) for turn in turns),
        sampled=sum(len(turn.sampled_ids) for turn in turns),
        mean=fmean(logprobs) if logprobs else math.nan,
        advantage=advantage,
        group=len(rewards),
    )


def _rewards(episode: Episode, group: Iterable[Summary]) -> Sequence[float]:
    same = (each for each in group if (each.task, each.policy) == (episode.task, episode.policy))
    return [each.reward for each in same if each.reward is not None]
