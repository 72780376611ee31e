"""Which episodes supervised training learns from: the best verified ones, each once, so many of a task.

Rejection sampling: a model, an endpoint or an oracle plays, the grader decides, and what it found good is imitated
(STaR, Zelikman et al. 2022, arXiv:2203.14465; RFT, Yuan et al. 2023, arXiv:2308.01825). Nothing is chosen by chance:
the same runs give the same selection.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from journeyman.envs.actions import MALFORMED
from journeyman.envs.changes import is_change
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.formats.assemble import IMPORTED
from journeyman.policies.mender import MenderPolicy
from journeyman.policies.oracle import MistakenOraclePolicy
from journeyman.training.demonstrations import is_led_by_what_it_saw
from journeyman.training.diagnosis import is_broken
from journeyman.training.skills.recovery import got_over

PER_TASK = 4
_WHO_KNOW = (MistakenOraclePolicy.name, MenderPolicy.name)
"""Policies that know the solution and go on after somebody's mistake."""


class Distinct(StrEnum):
    """When two episodes of a task count as the same."""

    ACTIONS = "actions"
    """They did the same in the same order."""
    TREE = "tree"
    """They left the same files, whatever the way there."""


class Why(StrEnum):
    """Why an episode is left out."""

    AGAIN = "the same episode again"
    UNSCORED = "unscored"
    UNRESOLVED = "not resolved"
    UNVERIFIED = "imported, so nothing here verified it"
    FAILED_THERE = "imported, and no success by its own account"
    FOREIGN = "calls that are none of our tools"
    KNOWING = "mended what no test had shown"
    NOT_OVER = "never got over the fault that struck it"
    DOUBLE = "does what a better one of its task does"
    BEYOND = "beyond so many of its task"


@dataclass(frozen=True, slots=True)
class Selection:
    """What is learned from, and what is not."""

    episodes: tuple[Episode, ...]
    """In the order in which they were given."""
    left_out: dict[str, int]
    """Reason (`Why`) → how many episodes."""

    @property
    def considered(self) -> int:
        return len(self.episodes) + sum(self.left_out.values())


def select(
    episodes: Iterable[Episode],
    *,
    per_task: int | None = PER_TASK,
    distinct: Distinct = Distinct.ACTIONS,
    unverified: bool = False,
    rank: Callable[[Episode], tuple[Any, ...]] = lambda _: (),
) -> Selection:
    """The best episodes of each task: by reward, then the shorter one, then the one with fewer refused calls.

    Those in which a test failed on a change of their own first, and that recovered, are longer by nature and teach
    something else. So they are chosen apart, and as many of them.

    Args:
        per_task: so many of a task at most, and so many recoveries; `None` takes all.
        unverified: take imported trajectories too, which no grader of ours saw. They come after all verified ones.
        rank: what of an episode counts before its reward, the lower the better.
    """
    left_out: Counter[str] = Counter()
    candidates: dict[str, tuple[int, Episode]] = {}
    for number, episode in enumerate(episodes):
        why = Why.AGAIN if episode.id in candidates else _unfit(episode, unverified=unverified)
        if why is None:
            candidates[episode.id] = (number, episode)
        else:
            left_out[why] += 1
    taken: Counter[tuple[str, bool]] = Counter()
    seen: set[Hashable] = set()
    chosen: list[tuple[int, Episode]] = []
    for number, episode in sorted(candidates.values(), key=lambda each: (rank(each[1]), *_rank(each))):
        kind = (episode.task, recovers(episode))
        key = (kind, _tree(episode) if distinct is Distinct.TREE else actions_done(episode))
        if key in seen:
            left_out[Why.DOUBLE] += 1
        elif per_task is not None and taken[kind] >= per_task:
            left_out[Why.BEYOND] += 1
        else:
            seen.add(key)
            taken[kind] += 1
            chosen.append((number, episode))
    ordered = tuple(episode for _, episode in sorted(chosen, key=lambda each: each[0]))
    return Selection(ordered, {str(why): count for why, count in left_out.most_common()})


def recovers(episode: Episode) -> bool:
    """Whether a test failed after a change of the episode's own."""
    is_changed = False
    for step in episode.steps:
        if is_changed and is_broken(step.tests):
            return True
        is_changed = is_changed or is_change(step)
    return False


def _unfit(episode: Episode, *, unverified: bool) -> Why | None:
    if IMPORTED in episode.versions:
        if not unverified:
            return Why.UNVERIFIED
        # Its own account is a report, and no reward that says otherwise.
        if episode.stop is not StopReason.REPORTED or (episode.reward is not None and episode.reward <= 0):
            return Why.FAILED_THERE
    elif episode.reward is None or episode.verdict is None or episode.verdict.resolved is None:
        return Why.UNSCORED
    elif not episode.resolved:
        return Why.UNRESOLVED
    elif episode.policy in _WHO_KNOW and not is_led_by_what_it_saw(episode):
        return Why.KNOWING
    elif not got_over(episode):
        return Why.NOT_OVER
    actions = (step.action for step in episode.steps)
    if any(action.tool != MALFORMED and action.parsed_or_none() is None for action in actions):
        return Why.FOREIGN
    return None


def _rank(candidate: tuple[int, Episode]) -> tuple[Any, ...]:
    """Best first. The order in which they were given settles what is left, so that nothing is left to chance."""
    number, episode = candidate
    refused = sum(not step.observation.ok for step in episode.steps)
    return (not episode.resolved, -(episode.reward or 0.0), len(episode.steps), refused, number)


def actions_done(episode: Episode) -> Hashable:
    """Equal for episodes that did the same in the same order."""
    return tuple(
        step.action.text
        if step.action.tool == MALFORMED
        else json.dumps([step.action.tool, dict(step.action.arguments)], sort_keys=True)
        for step in episode.steps
    )


def _tree(episode: Episode) -> Hashable:
    """The graded files, else those after the last step; an episode that tells of neither is like no other."""
    graded = episode.verdict.tree_hash if episode.verdict is not None else ""
    return graded or (episode.steps[-1].tree_hash if episode.steps else "") or episode.id
