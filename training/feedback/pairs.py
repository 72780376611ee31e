"""Rankings as pairs: of two episodes that somebody ranked, the better and the worse one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from journeyman.envs.feedback.entry import Ranking
from journeyman.training.feedback.conflicts import agreed, by_subject, elected, persons_alone, sources, weighed
from journeyman.training.feedback.rows import PairOf, Side, deeds, row_id
from journeyman.training.feedback.voices import Heard, Voice

MOST_APART = 3
"""Ranks between the best and the worst of four episodes."""
ALIKE = "ranked as good as each other"

Two = tuple[str, str]
"""Ids of two episodes, in their order."""


@dataclass(frozen=True, slots=True)
class _Decided:
    voices: tuple[Voice, ...]
    of: int
    """So many annotators said something."""
    apart: float
    """How far the first is above the second, in [-1, 1]."""


def pairs_said(heard: Heard) -> list[PairOf]:
    """One row for each two episodes of a task that the rankings put in an order."""
    subjects = by_subject(
        ((two, voice.by), voice.on(*two))
        for voice, ranking in heard.said(Ranking)
        for two in combinations(sorted(ranking.episodes), 2)
    )
    decided: dict[Two, dict[str, _Decided]] = {}
    for (two, item), voices in persons_alone(heard, subjects).items():
        if why := _not_comparable(heard, two):
            heard.drop(voices, why, " and ".join(two))
        elif (found := _decide(heard, two, voices)) is not None:
            decided.setdefault(two, {})[item] = found
    rows = []
    for two, by_item in sorted(decided.items()):
        apart = weighed({item: (heard.weight(each.voices[0].item), each.apart) for item, each in by_item.items()})
        if abs(apart) < 1e-9:
            for each in by_item.values():
                heard.drop(each.voices, ALIKE, " and ".join(two))
        else:
            rows.append(_row(heard, two if apart > 0 else (two[1], two[0]), abs(apart), by_item))
    return rows


def _row(heard: Heard, order: Two, margin: float, by_item: dict[str, _Decided]) -> PairOf:
    better, worse = order
    episode = heard.episode(better)
    said = "; ".join(agreed(len(each.voices), each.of, [item]) for item, each in sorted(by_item.items()))
    return PairOf(
        id=row_id("pair", *sorted(order)), task=episode.task, chosen=Side(episode=better),
        rejected=Side(episode=worse), margin=round(margin, 6), said=f"ranked higher by {said}",
        sources=sources(*(each.voices for each in by_item.values())),
    )  # fmt: skip


def _decide(heard: Heard, two: Two, voices: list[Voice]) -> _Decided | None:
    def side(voice: Voice) -> int:
        apart = _apart(voice, two)
        return (apart > 0) - (apart < 0)

    if (found := elected(heard, voices, side, " and ".join(two))) is None:
        return None
    _, winners, of = found
    mean = sum(_apart(voice, two) for voice in winners) / len(winners)
    return _Decided(tuple(winners), of, mean)


def _apart(voice: Voice, two: Two) -> float:
    """How many ranks the first is above the second, as a share of the most there can be; equal ranks leave no gap."""
    ranking = voice.entry
    assert isinstance(ranking, Ranking)
    order = sorted(set(ranking.ranks))
    first, second = (order.index(ranking.ranks[ranking.episodes.index(each)]) for each in two)
    return (second - first) / MOST_APART


def _not_comparable(heard: Heard, two: Two) -> str:
    one, other = (heard.find(each) for each in two)
    if one is None or other is None:
        return "of an episode that is not there"
    if one.task != other.task:
        return "of different tasks"
    if not one.steps or not other.steps:
        return "of an episode without an action"
    return "of episodes that did the same" if deeds(one) == deeds(other) else ""
