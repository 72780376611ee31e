"""The proof of a project: what every task must show, and that its milestones close in their order.

    the reference closes every milestone, doing nothing closes none (`check_task`)
    with the reference's functions of the first n milestones, exactly the checks of these pass, for every n

It is proven at the strongest assurance at which it holds. Single checks that cannot cross there are left out, as long
as each milestone keeps some.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.grading import grade
from journeyman.tasks.sources.library import Library
from journeyman.tasks.sources.project import ProjectRecipe, build_project, tree_after
from journeyman.tasks.sources.recipe import tree_hash
from journeyman.tasks.sources.sdist import SourceError
from journeyman.tasks.task import Task
from journeyman.tasks.trees import solution_tree
from journeyman.tasks.validation import check_task
from journeyman.tasks.verdict import Assurance, Cause, Outcome, Verdict

RUNS = 3
TRIES = 3
"""How often checks are left out at one level before the next is tried."""
LONGEST_S = 60.0
"""Of one grading: an episode waits for it."""


def prove_project(
    recipe: ProjectRecipe,
    library: Library,
    folder: Path,
    sandboxes: SandboxFactory,
    pool: Executor,
    progress: Callable[[int, int], None],
) -> ProjectRecipe:
    """Write a project's folder and prove it; the recipe with its proof.

    Raises:
        SourceError: it holds at no assurance; the message says what stood against it last.
    """
    why = ""
    for level in reversed(Assurance):
        candidate: ProjectRecipe | None = replace(recipe, assurance=level.value)
        for _ in range(TRIES):
            if candidate is None:
                break
            task = _written(candidate, folder)
            whole = grade(task, solution_tree(task), sandboxes)
            odd, why = _out_of_order(candidate, library, task, whole, sandboxes, pool, progress)
            if why:
                break
            if odd:
                candidate, why = _leaving_out(candidate, odd), "a milestone keeps no check"
                continue
            certificate = check_task(task, sandboxes, RUNS, graded=(whole,))
            if certificate.sound:
                parts = len(candidate.parts)
                proof = {"reference": f"{RUNS}/{RUNS}", "noop": f"0/{RUNS}", "in_order": f"{parts}/{parts}"}
                return replace(candidate, tree=tree_hash(task.repository), proof=proof)
            why = certificate.reasons[0]
            break
    raise SourceError(f"{recipe.library.requirement}: no project could be proven: {why}")


def _written(recipe: ProjectRecipe, folder: Path) -> Task:
    shutil.rmtree(folder, ignore_errors=True)
    return build_project(recipe, folder)


def _out_of_order(
    recipe: ProjectRecipe,
    library: Library,
    task: Task,
    whole: Verdict,
    sandboxes: SandboxFactory,
    pool: Executor,
    progress: Callable[[int, int], None],
) -> tuple[set[str], str]:
    """The checks that pass too early or fail too late, and why there is no use in leaving them out.

    Args:
        whole: the verdict of the whole reference.
    """
    if why := _hopeless(whole):
        return set(), why
    odd = {check for check, outcome in whole.outcomes.items() if outcome is not Outcome.PASSED}
    if odd:
        return odd, ""
    names = [part.name for part in recipe.parts]
    prefixes = [names[:number] for number in range(len(names))]

    def graded(closed: list[str]) -> Verdict:
        return grade(task, tree_after(recipe, library, closed), sandboxes)

    for done, (closed, verdict) in enumerate(zip(prefixes, pool.map(graded, prefixes), strict=True), start=1):
        if why := _hopeless(verdict):
            return set(), why
        progress(done, len(prefixes))
        due = {check for part in recipe.parts if part.name in closed for check in part.checks} | set(task.pass_to_pass)
        passed = {check for check, outcome in verdict.outcomes.items() if outcome is Outcome.PASSED}
        odd |= passed ^ due
    return odd, ""


def _hopeless(verdict: Verdict) -> str:
    if verdict.cause in {Cause.TIMEOUT, Cause.CRASH, Cause.SUPERVISOR}:
        return f"a grading ended by {verdict.cause}"
    return "too slow" if verdict.duration_s > LONGEST_S else ""


def _leaving_out(recipe: ProjectRecipe, odd: set[str]) -> ProjectRecipe | None:
    """The recipe without some checks; none where a milestone would be left without any."""
    parts = tuple(
        replace(part, checks=tuple(check for check in part.checks if check not in odd)) for part in recipe.parts
    )
    if not all(part.checks for part in parts):
        return None
    kept = tuple(check for check in recipe.pass_to_pass if check not in odd)
    return replace(recipe, parts=parts, pass_to_pass=kept)
