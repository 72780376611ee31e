"""How hard each check is, estimated from the episodes that were graded so far.

The estimate is the mean of a Beta posterior over the share of episodes in which the check did not pass:

    hardness = (failed + PRIOR) / (graded + 2 * PRIOR)

It lies strictly between 0 and 1 and is 1/2 where nothing is known. It depends on which episodes were graded, not on
their order, and none counts twice: who resumes a run reads it again from the episode store, and gets the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from journeyman.envs.episode import Episode
from journeyman.tasks.task import Task
from journeyman.tasks.verdict import Outcome

PRIOR = 2.0
"""So many episodes in which the check passed, and as many in which it did not, are taken as seen: half a group of 8."""

TaskCheck = tuple[str, str]
"""A task's name and a check's id: the same id stands for other tests in another repository."""


@dataclass(frozen=True)
class Hardness:
    """What is known of the checks at one moment. Frozen, so that a whole step is rewarded by the same numbers."""

    counts: Mapping[TaskCheck, tuple[int, int]] = field(default_factory=dict)
    """(episodes in which it did not pass, episodes in which it was graded)."""
    episodes: frozenset[str] = frozenset()
    """Ids of those that were counted."""

    def after(self, episodes: Iterable[Episode]) -> Hardness:
        """What is known with these episodes besides. Unscored ones and those counted before tell nothing new."""
        counts, ids = dict(self.counts), set(self.episodes)
        for episode in episodes:
            verdict = episode.verdict
            if verdict is None or verdict.resolved is None or episode.id in ids:
                continue
            ids.add(episode.id)
            for check, outcome in verdict.outcomes.items():
                failed, graded = counts.get((episode.task, check), (0, 0))
                counts[episode.task, check] = failed + (outcome is not Outcome.PASSED), graded + 1
        return Hardness(counts, frozenset(ids))

    def of(self, task: str, check: str) -> float:
        """In (0, 1): near 0 everybody passes it, near 1 nobody does."""
        failed, graded = self.counts.get((task, check), (0, 0))
        return (failed + PRIOR) / (graded + 2 * PRIOR)

    def shares(self, task: Task) -> dict[str, float]:
        """Milestone → its share of what all milestones pay together; the shares sum to 1.

        A milestone is as hard as the hardest of its `fail_to_pass` checks, for it is closed when all pass. Its
        `pass_to_pass` checks pay nothing: who does nothing passes them.
        """
        failing = set(task.fail_to_pass)
        hard = {m.name: max(self.of(task.name, c) for c in m.checks if c in failing) for m in task.milestones}
        whole = math.fsum(hard.values())
        return {name: value / whole for name, value in hard.items()}
