"""How far annotators agree: Krippendorff's α of each kind of judgement, each guideline item and each two of them.

α is 1 where all say the same, 0 where they agree as chance would have it, and below where they agree less. It takes any
number of annotators who each judged a part of the whole (Krippendorff 2011, "Computing Krippendorff's
Alpha-Reliability"). Its interval is the bootstrap's, by percentiles, over episodes rather than over single judgements:
the steps of one episode are judged alike or differently together.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from journeyman.envs.feedback.entry import ClaimLabel, Entry, OfEpisode, Ranking, Score, StepLabel
from journeyman.envs.feedback.references import moment, spoken
from journeyman.envs.feedback.standing import Judged, Mark
from journeyman.training.stats import Rate

Level = Literal["nominal", "ordinal", "interval"]
Value = float | str
Kind = Literal["step", "claim", "score", "ranking"]

LEVELS: Mapping[Kind, Level] = {"step": "ordinal", "claim": "nominal", "score": "interval", "ranking": "ordinal"}
STEP_VALUES = {"bad": 0.0, "neutral": 1.0, "good": 2.0}
SAMPLES = 1000
"""Of the bootstrap."""
CONTESTED = 10
"""So many of what is judged most differently are named."""
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Rating:
    """One value that somebody gave to one thing."""

    kind: Kind
    item: str
    """`guideline/item`, or nothing for a judgement by no item."""
    unit: tuple[Hashable, ...]
    """What was judged: an episode, then a step or claim, or the other episode of a pair; last what the item meant."""
    annotator: str
    value: Value
    """Of a pair: 1 where the first one is better, -1 where the second one is, 0 where they are as good."""
    entry: str
    """The id of the entry that says so."""
    moment: tuple[float, str]
    """Of two the later one is told by it; of a draft it is when it was accepted."""
    simulated: bool = False

    @property
    def cluster(self) -> Hashable:
        """What is judged together."""
        return self.unit[0]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far some annotators agree on something."""

    kind: Kind
    item: str
    annotators: tuple[str, ...]
    units: int
    """Things that at least two of them judged: the only ones that tell anything."""
    single: int
    """Things that only one of them judged."""
    alpha: float | None
    """None where it is not defined: nothing was judged twice, or all of it got one and the same value."""
    low: float | None
    high: float | None
    """The 95% interval; None with fewer than two episodes, or where α is not defined."""
    same: float | None
    """The share of pairs of judgements of one thing that are the same, chance included."""


@dataclass(frozen=True, slots=True)
class Dissent:
    """How often an annotator says otherwise than another one did of the same thing."""

    annotator: str
    kind: Kind
    item: str
    differs: Rate


@dataclass(frozen=True, slots=True)
class Contested:
    """One thing that is judged differently."""

    kind: Kind
    item: str
    unit: tuple[Hashable, ...]
    values: Mapping[str, Value]
    """By annotator."""
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All of it."""

    kinds: tuple[Agreement, ...]
    items: tuple[Agreement, ...]
    """By kind and guideline item, where there are items."""
    pairs: tuple[Agreement, ...]
    """By kind and each two annotators who judged something in common."""
    dissent: tuple[Dissent, ...]
    """Who differs most first: by the lower end of the interval, so that three judgements do not lead a list."""
    contested: tuple[Contested, ...]
    simulated: tuple[str, ...]
    """Those of the annotators that are programs."""


def alpha(units: Sequence[Sequence[Value]], level: Level) -> float | None:
    """Krippendorff's α of units, each with the values that it was given; None where it is not defined."""
    return _Table(units, level).alpha()


def interval(
    units: Sequence[Sequence[Value]], clusters: Sequence[Hashable], level: Level, seed: int = 0
) -> tuple[float, float] | None:
    """The 95% interval of α, by drawing whole clusters anew; None with fewer than two, or where α is not defined.

    Args:
        clusters: for each unit, what it belongs to.
    """
    numbers = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    table = _Table(units, level)
    if len(numbers) < 2 or table.alpha() is None:
        return None
    of = np.array([numbers[cluster] for cluster in clusters])
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(SAMPLES):
        drawn = np.bincount(draw.integers(len(numbers), size=len(numbers)), minlength=len(numbers))
        if (value := table.alpha(drawn[of])) is not None:
            found.append(value)
    return (float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))) if found else None


class _Table:
    """How often each unit was given each value. A unit that was judged once pairs with nothing."""

    def __init__(self, units: Sequence[Sequence[Value]], level: Level) -> None:
        self._level = level
        self._values: list[Value] = sorted({value for unit in units for value in unit})
        place = {value: number for number, value in enumerate(self._values)}
        self._counts = np.zeros((len(units), len(place)))
        for row, unit in enumerate(units):
            for value in unit:
                self._counts[row, place[value]] += 1
        given = self._counts.sum(axis=1)
        self._share = np.where(given > 1, 1 / np.maximum(given - 1, 1), 0.0)

    def alpha(self, weights: np.ndarray | None = None) -> float | None:
        """With each unit counted so many times as `weights` says."""
        share = self._share if weights is None else self._share * weights
        weighted = self._counts * share[:, None]
        coincidences = weighted.T @ self._counts - np.diag(weighted.sum(axis=0))
        totals = coincidences.sum(axis=0)
        apart = self._apart(totals)
        observed, expected = (coincidences * apart).sum(), totals @ apart @ totals
        if expected <= _ROUNDING:
            return None
        return float(1 - (totals.sum() - 1) * observed / expected)

    def _apart(self, totals: np.ndarray) -> np.ndarray:
        """How far each two values lie apart, squared. By their order alone: so many ranks as lie between."""
        if self._level == "nominal":
            return 1 - np.eye(len(self._values))
        places = np.cumsum(totals) - totals / 2 if self._level == "ordinal" else np.array(self._values, dtype=float)
        return np.asarray((places[:, None] - places[None, :]) ** 2)


def ratings(judged: Iterable[Judged], *, rules: bool = False) -> tuple[Rating, ...]:
    """What stands as values: of each annotator the last one for each thing. What an adjudication has settled counts
    too, for it was said; a draft that was accepted counts as said by who accepted it.

    Args:
        rules: take what rules decided from the record, too, to see how far people agree with it.
    """
    told = [each.entry for each in judged if set(each.marks) <= {Mark.SETTLED} and (rules or not each.entry.by_rule)]
    return _last(
        Rating(kind, _item(entry), (*unit, _meaning(entry)), by.annotator, value, entry.id, moment(by), by.simulated)
        for by, entry in spoken(told)
        for kind, unit, value in _values(entry)
    )


def _last(found: Iterable[Rating]) -> tuple[Rating, ...]:
    """Of each annotator the last one for each thing."""
    last: dict[tuple[object, ...], Rating] = {}
    for rating in sorted(found, key=lambda each: each.moment):
        last[rating.kind, rating.unit, rating.item, rating.annotator] = rating
    return tuple(last.values())


def _values(entry: Entry) -> list[tuple[Kind, tuple[Hashable, ...], Value]]:
    match entry:
        case StepLabel():
            return [("step", (entry.episode, entry.step), STEP_VALUES[entry.label])]
        case ClaimLabel():
            return [("claim", (entry.episode, entry.claim), entry.label)]
        case Score():
            return [("score", (entry.episode,), entry.value)]
        case Ranking():
            ranked = sorted(zip(entry.episodes, entry.ranks, strict=True))
            return [
                ("ranking", (a, b), float((second > first) - (second < first)))
                for (a, first), (b, second) in itertools.combinations(ranked, 2)
            ]
    return []


def _item(entry: Entry) -> str:
    ref = entry.item if isinstance(entry, OfEpisode | Ranking) else None
    return f"{ref.guideline}/{ref.item}" if ref else ""


def _meaning(entry: Entry) -> str:
    """What an item was read as: judgements by another meaning are not of the same thing."""
    ref = entry.item if isinstance(entry, OfEpisode | Ranking) else None
    return ref.digest if ref else ""


def units_of(found: Iterable[Rating]) -> dict[tuple[Kind, str, tuple[Hashable, ...]], list[Rating]]:
    """Ratings by what they are of."""
    units = defaultdict(list)
    for rating in found:
        units[rating.kind, rating.item, rating.unit].append(rating)
    return dict(units)


def report(found: Sequence[Rating], seed: int = 0) -> Report:
    """How far annotators agree on all that they said, in several runs, too: nobody agrees with themselves, for of each
    the last word counts also where a run stands beside its copy."""
    found = _last(found)
    kinds: list[Agreement] = []
    items: list[Agreement] = []
    pairs: list[Agreement] = []
    dissent: list[Dissent] = []
    for kind in LEVELS:
        of_kind = [rating for rating in found if rating.kind == kind]
        if not of_kind:
            continue
        kinds.append(_agreement(of_kind, kind, "", seed))
        for item in sorted({rating.item for rating in of_kind}):
            of_item = [rating for rating in of_kind if rating.item == item]
            dissent += _dissent(of_item, kind, item)
            if item:
                items.append(_agreement(of_item, kind, item, seed))
        for two in itertools.combinations(sorted({rating.annotator for rating in of_kind}), 2):
            both = _agreement([rating for rating in of_kind if rating.annotator in two], kind, "", seed)
            if both.units:
                pairs.append(both)
    dissent.sort(key=lambda each: (-each.differs.interval[0], -each.differs.value, each.annotator, each.item))
    simulated = sorted({rating.annotator for rating in found if rating.simulated})
    return Report(tuple(kinds), tuple(items), tuple(pairs), tuple(dissent), contested(found)[:CONTESTED],
                  tuple(simulated))  # fmt: skip


def contested(found: Iterable[Rating]) -> tuple[Contested, ...]:
    """What is judged differently, the widest apart first."""
    apart = []
    for (kind, item, unit), given in units_of(found).items():
        values = [rating.value for rating in given]
        if len(set(values)) > 1:
            spread = _spread(kind, values)
            by = {rating.annotator: rating.value for rating in given}
            entries = tuple(rating.entry for rating in given)
            apart.append((spread, Contested(kind, item, unit, by, entries)))
    apart.sort(key=lambda each: (-each[0], each[1].kind, each[1].item, str(each[1].unit)))
    return tuple(each for _, each in apart)


def _spread(kind: Kind, values: Sequence[Value]) -> float:
    """How far apart the values of one thing are: the mean over its pairs, in [0, 1]."""
    if LEVELS[kind] == "nominal":
        parts = [float(a != b) for a, b in itertools.combinations(values, 2)]
    else:
        widest = 1.0 if kind == "score" else 2.0
        parts = [abs(float(a) - float(b)) / widest for a, b in itertools.combinations(values, 2)]
    return sum(parts) / len(parts)


def _agreement(found: Sequence[Rating], kind: Kind, item: str, seed: int) -> Agreement:
    units = list(units_of(found).values())
    several = [unit for unit in units if len(unit) > 1]
    values = [[rating.value for rating in unit] for unit in several]
    clusters = [unit[0].cluster for unit in several]
    pairs = [a == b for given in values for a, b in itertools.combinations(given, 2)]
    if kind == "ranking":  # which of a pair stands first is an accident: each pair is read both ways
        values += [[-float(value) for value in given] for given in values]
        clusters *= 2
    bounds = interval(values, clusters, LEVELS[kind], seed) if values else None
    low, high = bounds or (None, None)
    return Agreement(
        kind, item, tuple(sorted({rating.annotator for rating in found})), len(several), len(units) - len(several),
        alpha(values, LEVELS[kind]) if values else None, low, high, sum(pairs) / len(pairs) if pairs else None,
    )  # fmt: skip


def _dissent(found: Sequence[Rating], kind: Kind, item: str) -> list[Dissent]:
    differs: defaultdict[str, list[bool]] = defaultdict(list)
    for unit in units_of(found).values():
        for one, other in itertools.permutations(unit, 2):
            differs[one.annotator].append(one.value != other.value)
    return [Dissent(who, kind, item, Rate(sum(each), len(each))) for who, each in differs.items()]
