"""Whether a candidate becomes champion: by a paired test on held-out tasks, at a level that is spent over the rounds.

Who tests round after round at 0.05 accepts something by chance sooner or later. Here all rounds together have `alpha`:
round k has alpha / 2^k, so that no number of rounds spends more, and how many there will be need not be known before.
What was not spent, since a round was accepted or had nothing to test, goes to the next round: the fallback procedure
(Wiens and Dmitrienko 2005, Journal of Biopharmaceutical Statistics 15, 929-942). Each round is decided by other
held-out tasks as long as there are any, for one who asks the same tasks again and again learns to please them (Dwork et
al. 2015, Science 349, 636-638); a part of them is kept for the last word.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from journeyman.envs.episode import StopReason
from journeyman.tasks.task import Task
from journeyman.training.evaluate import Evaluation, TaskResult
from journeyman.training.repeats import by_task as rate_by_task
from journeyman.training.stats import Paired, Rate, paired

POWER = 0.8
"""Probability of seeing a gain that is there, in what is said about how many tasks that takes."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How a round ended."""

    accepted: bool | None
    """None where there was nothing to test."""
    level: float
    """What the p-value had to stay below or reach."""
    pairs: Paired
    """Tasks by who solves them: first the champion, second the candidate."""
    why: str
    advice: tuple[str, ...] = ()
    """What would make a gain visible, where none was."""

    def to_dict(self) -> dict[str, Any]:
        pairs = self.pairs
        return {
            "accepted": self.accepted, "why": self.why, "advice": list(self.advice), "level": self.level,
            "p_value": pairs.p_value, "gained": pairs.only_second, "lost": pairs.only_first, "both": pairs.both,
            "neither": pairs.neither,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Decision:
        pairs = Paired(data["lost"], data["gained"], data["both"], data["neither"])
        return cls(data["accepted"], data["level"], pairs, data["why"], tuple(data["advice"]))


def split_heldout(tasks: Sequence[Task], final_share: float, seed: int) -> tuple[list[Task], list[Task]]:
    """Held-out tasks for the rounds, and those for the last word; which is which follows from names and seed."""
    shuffled = sorted(tasks, key=lambda task: hashlib.sha256(f"{seed}\n{task.name}".encode()).hexdigest())
    final = round(len(tasks) * final_share)
    return shuffled[final:], shuffled[:final]


def heldout_of(tasks: Sequence[Task], number: int, size: int) -> list[Task]:
    """The tasks that decide round `number` (from 1): the next `size`, from the start again when all were used."""
    size = min(size, len(tasks))
    start = (number - 1) * size
    return [tasks[n % len(tasks)] for n in range(start, start + size)]


def level_of(alpha: float, before: Sequence[bool | None]) -> float:
    """The level of the next test.

    Args:
        before: how the earlier ones ended: won, lost, or None without a test; the first one first.
    """
    carried = 0.0
    for number, won in enumerate(before, 1):
        carried = 0.0 if won is False else carried + alpha * 0.5**number
    return carried + alpha * 0.5 ** (len(before) + 1)


def compared(candidate: Evaluation, champion: Evaluation) -> list[tuple[TaskResult, TaskResult]]:
    """What decides, and what is shown of it: the champion's result and the candidate's, in the order of the tasks.

    Of the same (task, seed), those that both have a score for. Where the champion could not act, it has not failed;
    where the candidate could not, it has.
    """
    tried = [each for each in candidate.results if each.reward is not None or each.stop == StopReason.POLICY_ERROR]
    first, second = ({(r.task, r.seed): r for r in each} for each in (champion.scored, tried))
    return [(first[key], second[key]) for key in sorted(first.keys() & second.keys())]


def rates(candidate: Evaluation, champion: Evaluation) -> tuple[Rate, Rate]:
    """How much of what is compared the champion solves, and how much the candidate."""
    pairs = compared(candidate, champion)
    return _rate(first for first, _ in pairs), _rate(second for _, second in pairs)


def _rate(results: Iterable[TaskResult]) -> Rate:
    return rate_by_task((result.task, result.resolved, 1) for result in results)


def by_task(candidate: Evaluation, champion: Evaluation) -> Paired:
    """One pair for each task, for several episodes of one task are not independent: who solved it more often."""
    solved: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for results in compared(candidate, champion):
        for side, result in enumerate(results):
            solved[result.task][side] += result.resolved
    ties = [(first > 0, first > 0) if first == second else (first > second, second > first)
            for first, second in solved.values()]  # fmt: skip
    return paired([first for first, _ in ties], [second for _, second in ties])


def decide(candidate: Evaluation, champion: Evaluation, level: float) -> Decision:
    """Accept the candidate if it solves more tasks than it loses, and McNemar's exact test, two-sided, is at or below
    the level."""
    pairs = by_task(candidate, champion)
    gain = pairs.only_second - pairs.only_first
    accepted = gain > 0 and pairs.p_value <= level
    said = f"{pairs.only_second} tasks gained and {pairs.only_first} lost of {_count(pairs)}, p = {pairs.p_value:.3g}"
    if accepted:
        return Decision(True, level, pairs, f"{said}, at or below the level of {level:.3g}")
    why = f"{said}, above the level of {level:.3g}" if gain > 0 else f"{said}: not better"
    return Decision(False, level, pairs, why, advice(pairs, level))


def advice(pairs: Paired, level: float) -> tuple[str, ...]:
    """What would make a gain visible, from how often the two differ on one task."""
    count, differing = _count(pairs), pairs.only_first + pairs.only_second
    if not count:
        return ("no task has a score of both: see why the episodes are unscored",)
    gain, share = (pairs.only_second - pairs.only_first) / count, differing / count
    lines = []
    if gain > 0:
        wanted = pairs_needed(share, gain, level)
        lines.append(
            f"a true gain as large as the one seen, {100 * gain:.1f} points, takes about {wanted} held-out tasks to be "
            f"seen in {POWER:.0%} of such rounds; there were {count}"
        )
    else:
        lines.append("the candidate was not better, so more held-out tasks alone would not help")
    for wished in (0.05, 0.1, 0.2):
        wanted = pairs_needed(max(share, wished), wished, level)
        lines.append(f"a gain of {100 * wished:.0f} points takes about {wanted} held-out tasks")
    fewest = fewest_differing(level)
    lines.append(f"{differing} tasks told the two apart; even with none lost, {fewest} must be gained at this level")
    return tuple(lines)


def pairs_needed(differing: float, gain: float, level: float) -> int:
    """How many pairs McNemar's two-sided test takes to see a gain with probability `POWER` (Connor 1987, Biometrics 43,
    207-211, by the normal approximation: a little too few for the exact test).

    Args:
        differing: share of pairs that differ; at least `gain`.
        gain: share gained less share lost, above 0.
    """
    normal = NormalDist()
    chance, seen = normal.inv_cdf(1 - level / 2), normal.inv_cdf(POWER)
    return math.ceil(((chance * math.sqrt(differing) + seen * math.sqrt(differing - gain**2)) / gain) ** 2)


def fewest_differing(level: float) -> int:
    """The fewest pairs that must differ, all in one direction, for the exact test to reach the level."""
    return math.ceil(1 - math.log2(level))


def _count(pairs: Paired) -> int:
    return pairs.only_first + pairs.only_second + pairs.both + pairs.neither
