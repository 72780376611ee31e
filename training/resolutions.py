"""What becomes of comments that are made while an episode runs, as a term of its reward.

A reviewed episode has a value in [0, 1], for `hybrid(…, learned=review_values(…))`, where it is bounded with whatever
else people and models say. It starts at 1, and each comment that is left open takes a share of what is left, the larger
the more it weighs (`SHARES`). So

1. an episode without comments earns what one earns that has resolved all of its comments: provoking them is no use;
2. a further comment never raises the value, whatever becomes of it. (The resolved share of the comments would be raised
   by provoking some that are easily resolved.)
3. resolving one never lowers it;
4. what was never reviewed, since it neither reported nor was commented on, has no value: it is taken to be like the
   average of its group (training/hybrid.py), so that not reporting is no way around a review.

A comment counts if the policy was shown it, which is told by what was recorded of its end (`Resolution`): of those the
last one holds (`ends`). What an annotator took back, and what a critic model drafted and nobody accepted, does not
count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.feedback.entry import Critique, Entry, Resolution
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.feedback.references import precedence
from journeyman.envs.feedback.standing import Judged, standing
from journeyman.envs.review_run import BY_RULE
from journeyman.envs.reviews import ORIGIN, Reviews
from journeyman.training.hybrid import Learned, Told

NAME = "reviews"
"""Of the term: `learned:reviews`."""
SHARES: Mapping[str, float] = {"note": 0.1, "minor": 0.25, "major": 0.5, "blocking": 0.75}
"""What an open comment takes of what is left, by its severity. Praise asks for nothing."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What became of an episode's comments."""

    resolved: tuple[str, ...] = ()
    """Ids of the critiques."""
    open: tuple[str, ...] = ()
    value: float = 1.0


def reviewed(judged: Iterable[Judged]) -> dict[str, Reviewed]:
    """For each episode with comments that were made while it ran, what became of them.

    Args:
        judged: the entries of the run's log, with whether they stand (`standing`).
    """
    standing = [each.entry for each in judged if each.stands]
    found = ends(standing)
    comments: dict[str, list[Critique]] = {}
    for entry in standing:
        if isinstance(entry, Critique) and entry.origin == ORIGIN and entry.id in found and entry.severity in SHARES:
            comments.setdefault(entry.episode, []).append(entry)
    return {episode: _reviewed(made, found) for episode, made in comments.items()}


def ends(standing: Iterable[Entry], *, simulated: bool = True) -> dict[str, bool]:
    """By comment: whether it was resolved, by the last word on it. A reviewer's word comes before what a rule could see
    of the files, and a person's before a program's, which says nothing of a person's comment.

    Args:
        standing: entries that stand.
        simulated: hear what programs said in the place of people.
    """
    entries = list(standing)
    persons = {entry.id for entry in entries if isinstance(entry, Critique) and not entry.simulated}
    said = [
        entry for entry in entries
        if isinstance(entry, Resolution) and (not entry.simulated or (simulated and entry.of not in persons))
    ]  # fmt: skip
    said.sort(key=lambda entry: (entry.annotator != BY_RULE, precedence(entry)))
    return {entry.of: entry.resolved for entry in said}


def review_values(episodes: Sequence[Episode], judged: Iterable[Judged]) -> dict[str, dict[str, float]]:
    """The value of each episode that was reviewed, as `hybrid` takes it: episode's id → {"reviews": value}."""
    known = reviewed(judged)
    return {
        episode.id: {NAME: known.get(episode.id, Reviewed()).value}
        for episode in episodes
        if "reviewer" in episode.versions and (episode.id in known or _asked(episode))
    }


def _asked(episode: Episode) -> bool:
    """Whether it asked for a review: by a report, also one that was sent back."""
    return episode.stop == StopReason.REPORTED or any(step.action.tool == "report" for step in episode.steps)


class Resolutions:
    """What became of the comments that a training's episodes were given while they ran, as a voice in its reward: an
    `Outside`.

    Args:
        log: where the comments are.
    """

    def __init__(self, log: FeedbackLog, reviews: Reviews) -> None:
        self._log, self._reviews = log, reviews

    @property
    def name(self) -> str:
        return f"{NAME}:{self._reviews.versions()['reviewer']}"

    def learned(self, group: Sequence[Episode]) -> Learned:
        """Of these episodes alone: an episode that was cut short has an id of its own, and so have its comments."""
        known = {episode.id: episode for episode in group}
        # By the items of a guideline as the reviewer read them: it goes on with these to the end of the run.
        judged = standing(self._log.read(), known.get, {})
        found = reviewed(judged)
        return {
            id_: {name: Told(value, self._source(found.get(id_, Reviewed()))) for name, value in terms.items()}
            for id_, terms in review_values(group, judged).items()
        }

    def steps(self, episode: Episode) -> Sequence[Told | None]:
        """Nothing: what is resolved is the work of several steps."""
        return ()

    def _source(self, found: Reviewed) -> str:
        """Names the comments by their ids; who made them is told by the log, as long as they want to be found there."""
        count = len(found.resolved) + len(found.open)
        parts = [f"{len(found.resolved)} of {count} comments resolved" if count else "no comments"]
        parts += [f"{how} {' '.join(ids)}" for how, ids in (("resolved", found.resolved), ("open", found.open)) if ids]
        return f"{'simulated' if self._reviews.reviewer.simulated else 'person'}: {'; '.join(parts)}"


def _reviewed(comments: Sequence[Critique], ends: Mapping[str, bool]) -> Reviewed:
    left_open = [comment for comment in comments if not ends[comment.id]]
    return Reviewed(
        tuple(comment.id for comment in comments if ends[comment.id]),
        tuple(comment.id for comment in left_open),
        math.prod(1 - SHARES[comment.severity] for comment in left_open),
    )
