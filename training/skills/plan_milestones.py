"""Which subtask of a plan is which milestone of the task, by what they are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from journeyman.envs.plans import likeness
from journeyman.tasks.task import Milestone

THRESHOLD = 0.5
"""A title at least this much like a milestone's is taken for it."""
NAMED = 0.8
"""How much a title is like a milestone all of whose name's words stand in it."""


def milestones_of(titles: Sequence[Sequence[str]], milestones: Sequence[Milestone]) -> dict[int, str]:
    """Number of the subtask → name of its milestone, one to one: the most alike first, of equals the earlier.

    Args:
        titles: of each subtask, all that it was ever called: the one that is most alike counts.
        milestones: in an order in which they can be done.
    """
    pairs = sorted(
        (-alike, place, number)
        for number, named in enumerate(titles)
        for place, milestone in enumerate(milestones)
        if (alike := max((_alike(title, milestone) for title in named), default=0.0)) >= THRESHOLD
    )
    found: dict[int, str] = {}
    for _, place, number in pairs:
        name = milestones[place].name
        if number not in found and name not in found.values():
            found[number] = name
    return dict(sorted(found.items()))


def needs(milestones: Sequence[Milestone]) -> Mapping[str, frozenset[str]]:
    """Name → all that it builds on, directly or not. The milestones come in an order in which they can be done."""
    known: dict[str, frozenset[str]] = {}
    for milestone in milestones:
        direct = frozenset(milestone.depends_on)
        known[milestone.name] = direct.union(*(known.get(name, frozenset()) for name in direct))
    return known


def _alike(title: str, milestone: Milestone) -> float:
    name = milestone.name.replace("-", " ")
    is_named = set(name.split()) <= set(re.findall(r"[a-z0-9]+", title.casefold()))
    # Oracles and careful readers cut a title at the longest that a subtask may have.
    whole = likeness(title, milestone.title[:200]) if milestone.title.strip() else 0.0
    return max(whole, likeness(title, name), NAMED if is_named else 0.0)
