"""Which tasks a step trains on, and from where: those that are solved now and then, for the others teach nothing.

What is always solved, or never, gives a group without variance (DAPO, Yu et al. 2025, arXiv:2503.14476, drops such
groups; here they are avoided before they are paid for). A task that is too hard as a whole is begun where a solution
stands after some of its steps, and further back as soon as it is mastered from there (Salimans and Chen 2018,
arXiv:1812.03381; Xi et al. 2024, arXiv:2402.05808).

All that a curriculum knows are the episodes of its run: one that was interrupted is where it was when these are told
to it again.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict, deque
from collections.abc import Callable, Collection

LOW, HIGH = 0.2, 0.8
"""Mean rewards between which a task is worth a group."""
MEMORY = 16
"""Episodes of a task that its rate is made of, the last ones: the policy changes."""
ENOUGH = 8
"""Episodes without any reward after which a task counts as too hard."""


class Curriculum:
    """Draws tasks; is told how their episodes went."""

    def __init__(
        self,
        tasks: Collection[str],
        seed: int,
        *,
        by_rate: bool = True,
        begins_within: Callable[[str], bool] = lambda task: False,
    ) -> None:
        """
        Args:
            by_rate: prefer tasks by how often they are solved; else all are drawn alike.
            begins_within: whether a task, if it is too hard, can be begun after some steps of a solution.
        """
        self._tasks, self._seed, self._by_rate, self._begins_within = sorted(tasks), seed, by_rate, begins_within
        self._rewards: defaultdict[str, dict[int, deque[float]]] = defaultdict(dict)

    def note(self, task: str, reward: float | None, at: int = 0) -> None:
        """An episode of a task ended that began after `at` steps of a solution; an unscored one says nothing."""
        if reward is not None:
            self._rewards[task].setdefault(at, deque(maxlen=MEMORY)).append(reward)

    def rate(self, task: str, at: int = 0) -> float | None:
        """The mean reward of its last episodes from there; None without any."""
        rewards = self._rewards[task].get(at)
        return statistics.fmean(rewards) if rewards else None

    def draw(self, count: int, step: int, *, without: Collection[str] = ()) -> list[str]:
        """So many different tasks for a step, as many as there are.

        Half of them are such as are known to be solved now and then, as far as there are any; then those that nobody
        tried; then those that are nearest to it.

        Args:
            without: tasks that are not to be drawn, as they were tried in this step.
        """
        left = [task for task in self._tasks if task not in without]
        random.Random(f"{self._seed}/{step}/{len(without)}").shuffle(left)
        if not self._by_rate:
            return left[:count]
        far = {task: self._distance(task) for task in left}
        good = [task for task in left if far[task] == 0]
        first, more = good[: (count + 1) // 2], good[(count + 1) // 2 :]
        new = [task for task in left if far[task] is None]
        others = sorted((task for task in left if far[task]), key=lambda task: far[task] or 0)
        return [*first, *new, *more, *others][:count]

    def is_too_hard(self, task: str) -> bool:
        """Whether enough episodes from its beginning all earned nothing."""
        rewards = self._rewards[task].get(0, ())
        return len(rewards) >= ENOUGH and not any(rewards)

    def begin_at(self, task: str, last_change: int) -> int:
        """After how many steps of a solution a task that is too hard is begun: as far back as it is not yet mastered.

        Args:
            last_change: so many steps of the solution come before its last change of a file, which is left to the
                policy in any case.
        """
        for at in range(last_change, 0, -1):
            rate = self.rate(task, at)
            if rate is None or rate <= HIGH:
                return at
        return 0

    def _distance(self, task: str) -> float | None:
        """How far its rate is from what is worth a group; None where nobody knows."""
        within = self.is_too_hard(task) and self._begins_within(task)
        starts = [at for at in self._rewards[task] if at] if within else [0]
        rates = [rate for at in starts if (rate := self.rate(task, at)) is not None]
        return min((max(LOW - rate, rate - HIGH, 0.0) for rate in rates), default=None)
