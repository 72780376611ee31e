"""Several episodes of each task: what they say of other tasks, where those of one task are no independent trials.

Tasks are the clusters. A rate's interval is Wilson's for the number of independent trials that the episodes are worth,
by the variance between the tasks (Kish's design effect). Unlike a bootstrap over tasks it has a width where every task
ended alike, and holds with few tasks too.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from journeyman.training.stats import Z95, Rate, wilson


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, with tasks as clusters."""

    value: float
    interval: tuple[float, float]
    """Lower and upper bound, 95%."""
    tasks: int

    def to_dict(self) -> dict[str, Any]:
        return {"value": self.value, "interval_95": list(self.interval), "tasks": self.tasks}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.2f} (95% interval {low:.2f} to {high:.2f})"


def by_task(outcomes: Iterable[tuple[Hashable, int, int]]) -> Rate:
    """The pooled rate of (task, successes, trials) with an interval that takes tasks as clusters.

    With one trial of each task it is Wilson's.
    """
    sums: dict[Hashable, list[int]] = defaultdict(lambda: [0, 0])
    for task, successes, trials in outcomes:
        sums[task][0] += successes
        sums[task][1] += trials
    hits, sizes = [hit for hit, size in sums.values() if size], [size for _, size in sums.values() if size]
    return Rate(sum(hits), sum(sizes), effective_trials(hits, sizes) if sizes else None)


def mean_by_task(values: Iterable[tuple[Hashable, float]], *, low: float = 0.0, high: float = 1.0) -> Estimate | None:
    """The pooled mean of (task, value between `low` and `high`) with an interval that takes tasks as clusters; None
    without any.

    It is Wilson's for as many trials as the values are worth, rather too wide where they are not all at the ends.
    """
    of: dict[Hashable, list[float]] = defaultdict(list)
    for task, value in values:
        of[task].append((value - low) / (high - low))
    if not of:
        return None
    sums, sizes = [math.fsum(each) for each in of.values()], [len(each) for each in of.values()]
    mean = min(1.0, max(0.0, math.fsum(sums) / sum(sizes)))
    begin, end = (low + (high - low) * side for side in wilson(mean, effective_trials(sums, sizes)))
    return Estimate(low + (high - low) * mean, (begin, end), len(of))


def mean_difference(differences: Iterable[tuple[Hashable, float]]) -> Estimate | None:
    """The mean over tasks, each counting alike, of (task, difference in [-1, 1]); None without any. Its interval is
    that of `PairedByTask`."""
    of: dict[Hashable, list[float]] = defaultdict(list)
    for task, difference in differences:
        of[task].append(difference)
    if not of:
        return None
    values = [math.fsum(each) / len(each) for each in of.values()]
    return Estimate(math.fsum(values) / len(values), _paired_interval(values), len(values))


def _paired_interval(differences: Sequence[float]) -> tuple[float, float]:
    """The 95% interval of the mean of tasks' differences in [-1, 1]: see `PairedByTask.interval`."""
    n = len(differences) + 2
    mean = math.fsum(differences) / n
    squares = math.fsum(value**2 for value in differences) + 1  # half a task with +1, half a task with -1
    half = Z95 * math.sqrt(max(0.0, squares / n - mean**2) / n)
    return max(-1.0, mean - half), min(1.0, mean + half)


def effective_trials(hits: Sequence[float], sizes: Sequence[float]) -> float:
    """How many independent trials clusters are worth: p(1 − p) over the variance of p between clusters.

    At least what they are worth if all trials of a cluster end alike, at most all of them.

    Args:
        hits: successes in each cluster.
        sizes: trials in each cluster, more than 0.
    """
    count, total = len(sizes), sum(sizes)
    p = sum(hits) / total
    least = total**2 / sum(size**2 for size in sizes)
    if count < 2 or not 0 < p < 1:
        return least
    squares = sum((hit - p * size) ** 2 for hit, size in zip(hits, sizes, strict=True))
    variance = squares * count / (count - 1) / total**2
    return min(max(p * (1 - p) / variance, least), total) if variance else total


def pass_at_k(n: int, c: int, k: int) -> float:
    """Probability that at least one of `k` episodes resolves a task of which `c` of `n` did: the unbiased estimate of
    Chen et al. (2021, arXiv:2107.03374).

    Raises:
        ValueError: not 1 <= k <= n and 0 <= c <= n.
    """
    _check(n, c, k)
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def pass_hat_k(n: int, c: int, k: int) -> float:
    """Probability that all of `k` episodes resolve it, pass^k: that of Yao et al. (2024, arXiv:2406.12045).

    Raises:
        ValueError: as `pass_at_k`.
    """
    _check(n, c, k)
    return math.comb(c, k) / math.comb(n, k)


def _check(n: int, c: int, k: int) -> None:
    if not (1 <= k <= n and 0 <= c <= n):
        raise ValueError(f"k = {k} of n = {n} episodes, c = {c} resolved: k must be 1 to n, c 0 to n")


def ks(seeds: int) -> tuple[int, ...]:
    """The k for which pass@k and pass^k are given: powers of two up to `seeds`, and `seeds`."""
    return tuple(sorted({2**i for i in range(seeds.bit_length())} | ({seeds} if seeds else set())))


@dataclass(frozen=True, slots=True)
class Passes:
    """pass@k and pass^k for one k, over the tasks with at least k scored episodes."""

    at_k: Estimate
    hat_k: Estimate


def passes(counts: Mapping[str, tuple[int, int]]) -> dict[int, Passes]:
    """By k, from each task's (resolved, scored) episodes; nothing without episodes."""
    found = {}
    for k in ks(max((n for _, n in counts.values()), default=0)):
        enough = [(n, c) for c, n in counts.values() if n >= k]
        episodes = sum(n for n, _ in enough)
        at, hat = ([share(n, c, k) for n, c in enough] for share in (pass_at_k, pass_hat_k))
        found[k] = Passes(_estimate(at, episodes), _estimate(hat, episodes))
    return found


def _estimate(values: Sequence[float], episodes: int) -> Estimate:
    """The mean over tasks, whose `episodes` together are the most that they can be worth."""
    size = episodes / len(values)
    mean = math.fsum(values) / len(values)
    worth = effective_trials([size * value for value in values], [size] * len(values))
    return Estimate(mean, wilson(mean, worth), len(values))


@dataclass(frozen=True, slots=True)
class PairedByTask:
    """Two policies on the same tasks, with the same number of episodes of a task each: a sign-flip permutation test.

    If they are equally good, a task's difference is as likely to have the other sign. The test is exact at any size,
    and with one episode of each task the same as McNemar's.
    """

    differences: tuple[int, ...]
    """Each task's resolved episodes of the second, less those of the first."""
    pairs: int
    """Pairs of episodes, over all tasks."""

    @property
    def difference(self) -> float:
        """The second's resolve rate less the first's; NaN without pairs."""
        return sum(self.differences) / self.pairs if self.pairs else math.nan

    @property
    def p_value(self) -> float:
        """Two-sided: the share of all ways to choose the signs whose sum is at least as far from 0."""
        sums = {0: 1}
        for difference in self.differences:
            if difference:
                flipped: dict[int, int] = defaultdict(int)
                for value, ways in sums.items():
                    flipped[value + difference] += ways
                    flipped[value - difference] += ways
                sums = flipped
        far = abs(sum(self.differences))
        return sum(ways for value, ways in sums.items() if abs(value) >= far) / sum(sums.values())

    @property
    def interval(self) -> tuple[float, float]:
        """The difference's 95% interval, tasks as clusters: Agresti and Min's (2005) for matched pairs, which adds two
        tasks, half of a task for each way that a pair can end. (−1, 1) without pairs.

        A percentile bootstrap over the tasks covers 85% of the time with 5 tasks and 90% with 10; this one never less
        than 95% in the same trials, and it has a width where no task differs.
        """
        if not self.pairs:
            return -1.0, 1.0
        each = self.pairs / len(self.differences)
        return _paired_interval([difference / each for difference in self.differences])

    def to_dict(self) -> dict[str, Any]:
        """For JSON; the difference is None without pairs."""
        difference = self.difference if self.pairs else None
        return {
            "tasks": len(self.differences), "pairs": self.pairs, "difference": difference,
            "interval_95": list(self.interval), "p_value": self.p_value,
        }  # fmt: skip

    def __str__(self) -> str:
        better, worse = sum(d > 0 for d in self.differences), sum(d < 0 for d in self.differences)
        low, high = self.interval
        return (
            f"{self.difference:+.1%} (95% interval {low:+.1%} to {high:+.1%}), +{better} −{worse} tasks, "
            f"sign-flip p = {self.p_value:.3g}"
        )


def paired_by_task(pairs: Iterable[tuple[Hashable, bool, bool]]) -> PairedByTask:
    """Compare (task, first resolved it, second resolved it), of which a task may have several."""
    differences: dict[Hashable, int] = defaultdict(int)
    count = 0
    for task, first, second in pairs:
        differences[task] += int(second) - int(first)
        count += 1
    return PairedByTask(tuple(differences.values()), count)
