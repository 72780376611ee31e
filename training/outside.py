"""Whoever judges training's episodes besides the grader: people, by what they said before, or a model.

What they say enters the reward as bounded terms (training/hybrid.py), and the advantage of single actions as a bounded
addition to what the group gave (training/credit.py). Both share one bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from statistics import fmean
from typing import Protocol

from journeyman.envs.episode import Episode
from journeyman.training.checkpoint import TrainingError
from journeyman.training.hybrid import Learned, Told


class Outside(Protocol):
    """Judges a step's episodes as soon as they are played."""

    @property
    def name(self) -> str:
        """Changes whenever its judgements do: a run that was begun with others is not gone on with."""
        ...

    def learned(self, group: Sequence[Episode]) -> Learned:
        """What it says of whole episodes of one task; see `Learned`."""
        ...

    def steps(self, episode: Episode) -> Sequence[Told | None]:
        """What it says of each step, in [-1, 1]; None where it says nothing."""
        ...


class Several:
    """Those that are heard, as one. What they say of one step is averaged; of episodes each has terms of its own.

    Raises:
        TrainingError: two call a term by one name: whose it is could not be told.
    """

    def __init__(self, *voices: Outside) -> None:
        self._voices = voices

    @property
    def name(self) -> str:
        return " and ".join(voice.name for voice in self._voices)

    def learned(self, group: Sequence[Episode]) -> Learned:
        found: dict[str, dict[str, float | Told]] = {}
        for voice in self._voices:
            for id_, terms in voice.learned(group).items():
                known = found.setdefault(id_, {})
                if twice := sorted(known.keys() & terms):
                    raise TrainingError(f"{self.name} both give a term {twice[0]!r}: leave one of them out")
                known.update(terms)
        return found

    def steps(self, episode: Episode) -> Sequence[Told | None]:
        said = zip_longest(*(voice.steps(episode) for voice in self._voices))
        return [_mean([told for told in each if told is not None]) for each in said]


def together(*voices: Outside | None) -> Outside | None:
    """Those that there are, as one; None where there is none."""
    there = [voice for voice in voices if voice is not None]
    return there[0] if len(there) == 1 else Several(*there) if there else None


def _mean(said: Sequence[Told]) -> Told | None:
    if len(said) < 2:
        return said[0] if said else None
    return Told(fmean(told.value for told in said), "; ".join(told.source for told in said))


@dataclass(frozen=True, slots=True)
class StepTerm:
    """What is added to the advantage of one action."""

    step: int
    """From 1."""
    weight: float
    value: float
    """In [-1, 1]."""
    source: str

    @property
    def amount(self) -> float:
        return self.weight * self.value


def step_terms(said: Sequence[Told | None], weight: float) -> tuple[StepTerm, ...]:
    """What is said of an episode's steps, at this weight.

    Raises:
        TrainingError: something said is not in [-1, 1].
    """
    for told in said:
        if told is not None and not -1 <= told.value <= 1:
            raise TrainingError(f"what is said of a step is {told.value} ({told.source}); it must lie in [-1, 1]")
    return tuple(
        StepTerm(number, weight, told.value, told.source) for number, told in enumerate(said, 1) if told is not None
    )
