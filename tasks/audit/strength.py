"""How much a task's checks notice: the share of wrong solutions close to the right one that they refuse.

Wrong are the reference with one fault in a function that it changes (`mutants`). They are graded at `fresh`: a fault
forges nothing, and one sandbox is the quickest. What makes faults is a parameter, one for each language.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.audit.mutants import Mutant, mutants_of_reference
from journeyman.tasks.grading import grade
from journeyman.tasks.task import Task
from journeyman.tasks.verdict import Assurance

Faults = Callable[[Task, int], tuple[Mutant, ...]]
"""Up to so many wrong solutions of a task."""


@dataclass(frozen=True, slots=True)
class Strength:
    """What became of the wrong solutions."""

    mutants: int
    survivors: tuple[str, ...]
    """Those that are paid. Such a one may change nothing that was asked for: that is for a person to judge."""

    @property
    def killed(self) -> int:
        return self.mutants - len(self.survivors)

    @property
    def score(self) -> float | None:
        """The share that is refused; None where nothing could be tried."""
        return round(self.killed / self.mutants, 3) if self.mutants else None


def strength_of(
    task: Task,
    sandboxes: SandboxFactory,
    count: int,
    *,
    faults: Faults = mutants_of_reference,
    progress: Callable[[int, int], None] | None = None,
) -> Strength:
    """Try up to `count` wrong solutions on a task's checks.

    Args:
        progress: called with (done, of) after each grading.

    Raises:
        TaskError: the task has no reference solution.
    """
    at_fresh = task.model_copy(update={"assurance": Assurance.FRESH})
    wrong = faults(task, count)
    survivors: list[str] = []
    for number, each in enumerate(wrong, start=1):
        if grade(at_fresh, each.tree, sandboxes).resolved:
            survivors.append(str(each))
        if progress is not None:
            progress(number, len(wrong))
    return Strength(len(wrong), tuple(survivors))
