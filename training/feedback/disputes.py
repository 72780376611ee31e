"""What annotators judge so differently that somebody has to say which word holds."""

from __future__ import annotations

from collections.abc import Iterable

from journeyman.envs.feedback.entry import Adjudication
from journeyman.envs.feedback.standing import Judged
from journeyman.training.feedback.agreement import Contested, Rating, contested, ratings

NEAR = 0.2
"""Scores that lie no further apart are no conflict. That is from when on somebody is asked, while people are there to
ask; what nobody has settled when rows are compiled is decided by the median, unless the middle is wider apart than
`journeyman.training.feedback.conflicts.APART`. The one is a courtesy to annotators, the other keeps noise out of
training, so they are two numbers."""
MOST = 20
"""So many entries can one adjudication settle."""


def disputes(judged: Iterable[Judged]) -> tuple[Contested, ...]:
    """What stands and is judged differently, the widest apart first; two rankings of the same episodes once."""
    stand = [each for each in judged if each.stands]
    settling = [each.entry for each in stand if isinstance(each.entry, Adjudication)]
    found: dict[frozenset[str], Contested] = {}
    for each in contested(ratings(stand)):
        values = [value for value in each.values.values() if isinstance(value, float)]
        near = each.kind == "score" and max(values) - min(values) <= NEAR
        # A ranking that lost here stands again where a later adjudication holds by it for other episodes.
        settled = any(by.holds in each.entries and set(each.entries) <= set(by.of) for by in settling)
        if not near and not settled and len(each.entries) <= MOST:
            found.setdefault(frozenset(each.entries), each)
    return tuple(found.values())


def is_disputed(ids: Iterable[str], judged: Iterable[Judged]) -> bool:
    """Whether entries are of one thing that is judged differently, or was before it was settled."""
    wanted, found = set(ids), list[Rating](ratings(judged))
    return any(wanted <= set(each.entries) for each in contested(found))
