"""How far a reward model is to be believed: its scores held against pairs that it was not trained on.

A margin is its score of the better episode less that of the worse one. By Bradley and Terry's model sigmoid(margin) is
the probability that the better one is preferred, so that margins can be held against what was preferred (Guo et al.
2017, arXiv:1706.04599, for the bins). Pairs of one task are not independent: intervals resample tasks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from journeyman.envs.feedback.entry import RULE, SIMULATED
from journeyman.training.stats import wilson

GRADER = "grader"
"""Who judged a pair, where it was the verified reward."""
PEOPLE, RULES, PROGRAMS = "people", "rules", "simulated annotators"
BINS = 5
"""Of the confidence, from 1/2 to 1."""
_DRAWS = 500
_Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Margin:
    """What a reward model makes of a pair that somebody judged."""

    task: str
    value: float
    by: str = ""
    """The annotators, divided by commas; empty for the grader."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs about which the model is as sure."""

    pairs: int
    confidence: float
    """Mean of sigmoid(|margin|)."""
    agreement: float
    """Share whose better one it finds better."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A reward model beside pairs that it was not trained on."""

    pairs: int
    tasks: int
    agreement: Measured
    """Share of pairs whose better one has the higher score; half for a tie. Its interval is the wider of the bootstrap
    over tasks and Wilson's, which has a width where all pairs agree."""
    auc: Measured
    """Probability that a pair the right way round has a larger margin than another one the wrong way round."""
    ece: Measured
    """Expected calibration error: by how much confidence and agreement differ, over the bins. Few pairs make it larger:
    about 0.1 is left of a perfect model's with 40."""
    brier: Measured
    """Mean square of the probability that is missing; 0.25 is that of a coin."""
    bins: tuple[Bin, ...]
    """Those in which there are pairs."""
    by_task: dict[str, Measured]
    """Agreement; with Wilson's interval, as in the next."""
    by_annotator: dict[str, Measured]
    """And "grader" for verified rewards, "people" for what persons alone said, "rules" for what a rule had a part in
    that decides by the record, "simulated annotators" for what any program had that stands in for a person. Persons are
    numbered, whoever judged most first: the report stays in the run when somebody is to be forgotten."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def told(calibration: Mapping[str, Any]) -> list[str]:
    """A report (`Calibration.to_dict`) in lines, for people."""

    def figure(measured: Mapping[str, float]) -> str:
        return f"{measured['value']:.2f} ({measured['low']:.2f} to {measured['high']:.2f})"

    named = {"agreement": "agreement", "auc": "AUC", "ece": "calibration error", "brier": "Brier score"}
    found = [f"held out, with 95% intervals: {', '.join(f'{n} {figure(calibration[k])}' for k, n in named.items())}"]
    by = calibration["by_annotator"].items()
    return [*found, *(f"agreement with {name}: {figure(measured)}" for name, measured in by)]


def calibrate(margins: Sequence[Margin], *, seed: int = 0) -> Calibration | None:
    """What the margins of held-out pairs say; None without any."""
    if not margins:
        return None
    by_task: defaultdict[str, list[float]] = defaultdict(list)
    by_annotator: defaultdict[str, list[float]] = defaultdict(list)
    called = _numbered(margins)
    for margin in margins:
        by_task[margin.task].append(margin.value)
        for name in _names(margin.by):
            by_annotator[called.get(name, name)].append(margin.value)
    clusters = [np.array(values) for _, values in sorted(by_task.items())]
    agreement, auc, ece, brier = _bootstrap(clusters, (_agreement, _auc, _ece, _brier), seed)
    plain = _share(np.concatenate(clusters))
    return Calibration(
        len(margins), len(clusters),
        Measured(agreement.value, min(agreement.low, plain.low), max(agreement.high, plain.high)),
        auc, ece, brier, _bins(np.concatenate(clusters)),
        {task: _share(np.array(values)) for task, values in sorted(by_task.items())},
        {name: _share(np.array(values)) for name, values in sorted(by_annotator.items())},
    )  # fmt: skip


def _numbered(margins: Sequence[Margin]) -> dict[str, str]:
    """What each person is called in the report."""
    judged = Counter(name for margin in margins for name in margin.by.split(", "))
    persons = [name for name, _ in judged.most_common() if name and not name.startswith((SIMULATED, RULE))]
    return {name: f"annotator {number}" for number, name in enumerate(persons, 1)}


def _names(by: str) -> list[str]:
    """Under which a pair is counted: of all who judged it, and of their kind."""
    if not by:
        return [GRADER]
    names = by.split(", ")
    kinds = ((SIMULATED, PROGRAMS), (RULE, RULES))
    return [*names, next((kind for prefix, kind in kinds if any(n.startswith(prefix) for n in names)), PEOPLE)]


def _bootstrap(clusters: Sequence[_Values], figures: Sequence[Callable[[_Values], float]], seed: int) -> list[Measured]:
    """Each figure, with percentiles over resampled tasks."""
    rng, all_ = np.random.default_rng(seed), np.concatenate(clusters)
    drawn = [
        np.concatenate([clusters[n] for n in rng.integers(len(clusters), size=len(clusters))]) for _ in range(_DRAWS)
    ]
    found = []
    for figure in figures:
        low, high = np.percentile([figure(values) for values in drawn], [2.5, 97.5])
        found.append(Measured(figure(all_), float(low), float(high)))
    return found


def _share(values: _Values) -> Measured:
    share = _agreement(values)
    return Measured(share, *wilson(share, len(values)))


def _agreement(values: _Values) -> float:
    return float(np.mean((np.sign(values) + 1) / 2))


def _auc(values: _Values) -> float:
    ordered = np.sort(values)
    above = len(values) - np.searchsorted(ordered, -values, side="right")
    level = np.searchsorted(ordered, -values, side="right") - np.searchsorted(ordered, -values, side="left")
    return float(np.sum(above + level / 2) / len(values) ** 2)


def _confidence(values: _Values) -> _Values:
    return 1 / (1 + np.exp(-np.abs(values)))


def _places(confidence: _Values) -> npt.NDArray[np.int64]:
    """The bin of each."""
    return np.minimum(((confidence - 0.5) * 2 * BINS).astype(np.int64), BINS - 1)


def _ece(values: _Values) -> float:
    confidence = _confidence(values)
    off = np.bincount(_places(confidence), (np.sign(values) + 1) / 2 - confidence, BINS)
    return float(np.sum(np.abs(off)) / len(values))


def _brier(values: _Values) -> float:
    missing = np.exp(-np.logaddexp(0, values))  # 1 - sigmoid, without overflow
    return float(np.mean(missing**2))


def _bins(values: _Values) -> tuple[Bin, ...]:
    confidence, right = _confidence(values), (np.sign(values) + 1) / 2
    places = _places(confidence)
    return tuple(
        Bin(int(here.sum()), float(confidence[here].mean()), float(right[here].mean()))
        for here in (places == number for number in range(BINS)) if here.any()
    )  # fmt: skip
