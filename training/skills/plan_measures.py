"""Figures that tell how a plan was kept: order and calibration."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from journeyman.training.repeats import Estimate, by_task, mean_by_task
from journeyman.training.stats import Rate

BINS = 10


def tau_b(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Kendall's tau-b (1945): agreement of two orders, −1 to 1, with ties. None where one of them is all ties.

    Raises:
        ValueError: different lengths.
    """
    agree = ties_first = ties_second = pairs = 0
    for (a, b), (c, d) in combinations(zip(first, second, strict=True), 2):
        pairs += 1
        ties_first += a == c
        ties_second += b == d
        agree += ((a > c) - (a < c)) * ((b > d) - (b < d))
    scale = math.sqrt((pairs - ties_first) * (pairs - ties_second))
    return agree / scale if scale else None


@dataclass(frozen=True, slots=True)
class Call:
    """A subtask, what the policy says of it in the end, and what is so."""

    task: str
    done: bool
    """Whether it called it done."""
    confidence: float | None
    """How sure it was that it is done, or will be."""
    is_so: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether what is called done is done."""

    called: Rate
    """Of the subtasks called done, those that are."""
    noticed: Rate
    """Of those that are done, those called so."""
    confusion: dict[str, int]
    """By what is said and what is so: "done, so", "done, not so", "not done, so", "not done, not so"."""
    brier: Estimate | None
    """Mean of (confidence − 1 or 0)², where a confidence was given (Brier 1950); 0.5 for all of them has 0.25. None
    without a confidence."""
    ece: float | None
    """Expected calibration error in ten bins of equal width (Guo et al. 2017, arXiv:1706.04599); with few subtasks it
    is above 0 by chance alone. None without a confidence."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "called": self.called.to_dict(), "noticed": self.noticed.to_dict(), "confusion": self.confusion,
            "brier": self.brier.to_dict() if self.brier else None, "ece": self.ece,
        }  # fmt: skip


def calibration_of(calls: Sequence[Call]) -> Calibration:
    """Of subtasks of which it is known what is so."""
    confusion = {f"{done}, {so}": 0 for done in ("done", "not done") for so in ("so", "not so")}
    for each in calls:
        confusion[f"{'done' if each.done else 'not done'}, {'so' if each.is_so else 'not so'}"] += 1
    sure = [(each, each.confidence) for each in calls if each.confidence is not None]
    return Calibration(
        called=by_task((each.task, each.is_so, 1) for each in calls if each.done),
        noticed=by_task((each.task, each.done, 1) for each in calls if each.is_so),
        confusion=confusion,
        brier=mean_by_task((each.task, (p - each.is_so) ** 2) for each, p in sure),
        ece=expected_calibration_error([(p, each.is_so) for each, p in sure]),
    )


def expected_calibration_error(said: Sequence[tuple[float, bool]]) -> float | None:
    """The mean distance, over (confidence, is so), of the confidence in a bin and how often it is so there."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for p, is_so in said:
        bins[min(BINS - 1, int(p * BINS))].append((p, is_so))
    if not said:
        return None
    return sum(abs(math.fsum(p for p, _ in each) - sum(so for _, so in each)) for each in bins.values()) / len(said)
