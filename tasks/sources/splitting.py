"""Whether a task can be graded in two sandboxes, and without which of its checks.

A project's own tests were not written for that: some hand over what cannot cross (docs/grading.md). Checks that only
guard against breaking something else are left out for it; where one that must come to pass cannot cross, the task
stays at less, with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.grading import grade
from journeyman.tasks.sources.recipe import Recipe
from journeyman.tasks.task import Task
from journeyman.tasks.trees import solution_tree
from journeyman.tasks.verdict import Assurance, Outcome, Verdict

REASONS = {
    r"derives from a class of the code": "a class of the tests derives from the code's",
    r"cannot be handed to the code": "an argument is an object of another library",
    r"evaluate text|unpickle|start programs|be pickled": "the tests run what the code says",
    r"cannot be believed": "arithmetic of an object with plain data",
    r"nested too deeply|more than can cross": "too large or deep",
    r"died before its end|sandbox died": "the run died",
}
SLOW, LONGEST_S = "too slow in two sandboxes", 20.0
UNGUARDED = "nothing would guard against breaking something else"
OTHER = "behaves differently in two sandboxes"


@dataclass(frozen=True, slots=True)
class Crossing:
    """What became of a task's checks when its reference was graded in two sandboxes."""

    lost: frozenset[str]
    """Checks that did not pass there."""
    why: str = ""
    """Why the task cannot be graded so; empty when it can, without the lost ones."""
    graded: tuple[Verdict, ...] = ()
    """The verdict, where it was about the very checks that are left."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recipe at assurance `split`, yet to be proven; or why there is none."""

    recipe: Recipe | None
    why: str = ""
    graded: tuple[Verdict, ...] = ()
    """Its reference's, where that was graded already."""


def for_split(recipe: Recipe, task: Task, sandboxes: SandboxFactory) -> Candidate:
    """Grade the recipe's reference in two sandboxes, and leave out the checks that cannot cross.

    Args:
        task: the recipe's task as it was built.
    """
    found = crossing(task, sandboxes)
    if found.why:
        return Candidate(None, found.why)
    kept = tuple(check for check in recipe.pass_to_pass if check not in found.lost)
    split = replace(recipe, pass_to_pass=kept, assurance=Assurance.SPLIT.value, tree="", proof={})
    return Candidate(split, graded=found.graded)


def crossing(task: Task, sandboxes: SandboxFactory) -> Crossing:
    """Grade a task's reference in two sandboxes, and say which of its checks cannot cross."""
    verdict = grade(task.model_copy(update={"assurance": Assurance.SPLIT}), solution_tree(task), sandboxes)
    lost = frozenset(check for check, outcome in verdict.outcomes.items() if outcome is not Outcome.PASSED)
    asked = lost & set(task.fail_to_pass)
    if verdict.cause is not None or asked:
        return Crossing(lost, _why(verdict.detail, asked))
    if verdict.duration_s > LONGEST_S:  # thousands of calls between the two
        return Crossing(lost, SLOW)
    if task.pass_to_pass and lost.issuperset(task.pass_to_pass):
        return Crossing(lost, UNGUARDED)
    return Crossing(lost, graded=() if lost else (verdict,))


def _why(detail: str, lost: frozenset[str]) -> str:
    """The reason of a check that must come to pass; of any, where what it said is not told."""
    told = re.split(r"^FAILED ", detail.partition("\n\n")[0], flags=re.MULTILINE)[1:]
    asked = [text for text in told if text.partition("\n")[0] in lost]
    return next((reason for pattern, reason in REASONS.items() if re.search(pattern, "".join(asked) or detail)), OTHER)
