"""Rows and episodes that the tests of preferences share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from journeyman.envs.actions import Action
from journeyman.envs.episode import Ancestry, Change, Episode, Step, StopReason
from journeyman.envs.observation import Observation
from journeyman.training.preference_rows import LabelRow, PairRow, Rows
from journeyman.training.tokens import TokenRow

SHOWN = (1, 40, 41)
"""Tokens of a prompt."""


def row(*parts: tuple[int, ...], prompt: tuple[int, ...] = SHOWN) -> TokenRow:
    """A row of the policy's and the environment's parts in turn, the policy's first."""
    ids, trained = list(prompt), [False] * len(prompt)
    for number, part in enumerate(parts):
        ids += part
        trained += [number % 2 == 0] * len(part)
    return TokenRow(tuple(ids), tuple(trained), tuple(0 if own else -1 for own in trained), prompt_length=len(prompt))


def pairs(count: int = 8) -> Rows[PairRow]:
    """In each task one course is better, which the tiny model finds less likely; what is observed differs by task."""
    made = []
    for i in range(count):
        prompt, seen = (1, 40 + i, 41 + i), (30 + i, 31 + i)
        better, worse = row((50, 70), seen, (71, 72, 2), prompt=prompt), row((50, 51), seen, (52, 2), prompt=prompt)
        made.append(PairRow(f"t{i}", better, worse))
    return Rows(tuple(made), {})


def labelled(count: int = 8) -> Rows[LabelRow]:
    """The episodes of `pairs`, each by itself: first the good ones."""
    found = pairs(count).rows
    good = [LabelRow(pair.task, pair.chosen, True) for pair in found]
    return Rows((*good, *(LabelRow(pair.task, pair.rejected, False) for pair in found)), {})


def episode(name: str, reward: float | None, *actions: Action, task: str = "t", **changes: Any) -> Episode:
    """An episode that did this and then reported."""
    steps = [Step(each, Observation(f"seen {i}")) for i, each in enumerate((*actions, report(name)))]
    made = Episode(name, task, "p", 0, Observation("Fix it."), tuple(steps), StopReason.REPORTED, reward, (), None)
    return replace(made, **changes)


def report(text: str) -> Action:
    return Action("report", {"summary": text})


def view(path: str) -> Action:
    return Action("view", {"path": path})


def forked(parent: str, at: int, change: Change = Change.POLICY) -> Ancestry:
    return Ancestry(parent, at, change)
