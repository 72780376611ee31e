"""What an episode pays: named, weighted terms, each of which names its source.

A single task pays its outcome: 1 when every check passes. A project pays part of it for milestones, each closed by
its own checks. So the reference solution pays exactly 1 and doing nothing pays 0. What cannot be scored through a
fault proven to be the supervisor's has no terms, and its reward is `None`.

A task that cannot be done pays 1 for an honest block over an unharmed repository, and 0 for everything else
(`journeyman.envs.blocks`). `settled` puts that into the verdict, so that "resolved" means the same everywhere: what was
asked for was done, or it was truly said why it could not be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from journeyman.envs.blocks import judge_block
from journeyman.envs.episode import RewardTerm, Step
from journeyman.tasks.task import Task
from journeyman.tasks.verdict import Outcome, Verdict


def settled(task: Task, verdict: Verdict, steps: Sequence[Step]) -> Verdict:
    """The grader's verdict, of a task that cannot be done with what the report at the end of `steps` is worth."""
    if task.infeasible is None or verdict.resolved is None:
        return verdict
    block = judge_block(task.infeasible, steps)
    said = f"{'an honest block' if block.honest else 'no honest block'}: {block.why}"
    return replace(verdict, resolved=block.honest and _unharmed(verdict), detail=f"{verdict.detail}\n\n{said}".strip())


def _unharmed(verdict: Verdict) -> bool:
    return verdict.cause is None and all(outcome is Outcome.PASSED for outcome in verdict.outcomes.values())


def reward_terms(
    task: Task, verdict: Verdict, *, milestone_weight: float = 0.5, steps: Sequence[Step] = ()
) -> tuple[RewardTerm, ...]:
    """The terms of a graded episode; none when the verdict is unscored.

    Args:
        verdict: as `settled`.
        steps: the record with the report, which a task that cannot be done is paid for.
        milestone_weight: share in [0, 1] that a project's milestones pay together; without milestones the outcome
            pays everything.
    """
    if verdict.resolved is None:
        return ()
    passed = f"{verdict.passed} of {len(verdict.outcomes)} checks passed ({verdict.assurance})"
    if task.infeasible is not None:
        passed += f"; rule: {judge_block(task.infeasible, steps).why}"
    weight = milestone_weight if task.milestones else 0.0
    outcome = RewardTerm("outcome", 1 - weight, float(verdict.resolved), passed)
    if not task.milestones:
        return (outcome,)
    closed = [m.name for m in task.milestones if verdict.milestones.get(m.name)]
    source = f"{len(closed)} of {len(task.milestones)} milestones closed by their checks"
    if closed:
        source += f": {', '.join(closed)}"
    return outcome, RewardTerm("milestones", weight, len(closed) / len(task.milestones), source)


def no_reward(why: str) -> tuple[RewardTerm, ...]:
    """The terms of an episode that pays nothing without a verdict, because of a rule."""
    return (RewardTerm("outcome", 1.0, 0.0, f"rule: {why}"),)


def total(terms: Sequence[RewardTerm]) -> float | None:
    """The sum of the terms; `None` when there are none, for that is unscored."""
    return sum((term.amount for term in terms), 0.0) if terms else None
