"""Intervals and tests for counts of solved tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Z95 = 1.959963984540054
"""So many deviations to each side hold 95% of a normal distribution."""


def wilson(p: float, n: float) -> tuple[float, float]:
    """The 95% interval of a share `p` of `n` trials; (0, 1) without trials. Also of a mean of `n` values between 0 and
    1, where it is rather too wide: none of these varies more than a coin."""
    if not n:
        return 0.0, 1.0
    z2 = Z95**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def auroc(scored: Sequence[tuple[float, bool]]) -> float | None:
    """The chance that one that is so has a higher score than one that isn't, ties counting half (Mann and Whitney,
    1947); None without one of each.

    Args:
        scored: (score, whether it is so).
    """
    positive = sum(is_so for _, is_so in scored)
    negative = len(scored) - positive
    if not positive or not negative:
        return None
    ordered, ranks, at = sorted(scored), 0.0, 0
    while at < len(ordered):
        end = at
        while end < len(ordered) and ordered[end][0] == ordered[at][0]:
            end += 1
        ranks += (at + 1 + end) / 2 * sum(is_so for _, is_so in ordered[at:end])
        at = end
    return (ranks - positive * (positive + 1) / 2) / (positive * negative)


@dataclass(frozen=True, slots=True)
class Rate:
    """`successes` of `trials`, with the 95% interval of Wilson (1927), which holds near 0 and 1 too."""

    successes: int
    trials: int
    effective: float | None = None
    """Independent trials that these are worth, where they come in clusters (training/repeats.py); else all of them."""

    @property
    def value(self) -> float:
        return self.successes / self.trials if self.trials else math.nan

    @property
    def share(self) -> str:
        """ "1/4 = 25.0%", or that there is none."""
        return f"{self.successes}/{self.trials} = {self.value:.1%}" if self.trials else "0/0, nothing scored"

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound; (0, 1) without trials."""
        return wilson(self.value, self.trials if self.effective is None else self.effective)

    def overlaps(self, other: Rate) -> bool:
        return self.interval[0] <= other.interval[1] and other.interval[0] <= self.interval[1]

    def to_dict(self) -> dict[str, Any]:
        """For JSON; the value is None without trials."""
        value = self.value if self.trials else None
        return {"successes": self.successes, "trials": self.trials, "value": value, "interval_95": list(self.interval)}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share} (95% interval {low:.1%} to {high:.1%})" if self.trials else self.share


@dataclass(frozen=True, slots=True)
class Paired:
    """Two policies on the same tasks: McNemar's exact test on the tasks that only one of them solved."""

    only_first: int
    only_second: int
    both: int
    neither: int

    @property
    def p_value(self) -> float:
        """Two-sided probability of a split at least this uneven if the policies were equally good."""
        n, k = self.only_first + self.only_second, min(self.only_first, self.only_second)
        return min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n) if n else 1.0

    def __str__(self) -> str:
        return f"+{self.only_second} −{self.only_first} tasks, McNemar exact p = {self.p_value:.3g}"


def paired(first: Sequence[bool], second: Sequence[bool]) -> Paired:
    """Compare outcomes task by task; both in the same order.

    Raises:
        ValueError: different lengths.
    """
    pairs = list(zip(first, second, strict=True))
    return Paired(
        sum(a and not b for a, b in pairs),
        sum(b and not a for a, b in pairs),
        sum(a and b for a, b in pairs),
        sum(not a and not b for a, b in pairs),
    )
