"""The proof of a project: what every task must show, and that its milestones close in their order.

    the reference closes every milestone, doing nothing closes none (`check_task`)
    with the reference's functions of the first n milestones, exactly the checks of these pass, for every n

It is proven at the strongest assurance at which it holds. Single checks that cannot cross there, or that say now this
and now that, are left out, as long as each milestone keeps some.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self, TypeVar

from journeyman.sandbox.sandbox import SandboxFactory, Snapshot
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


class Project(Protocol):
    """A project yet to be proven."""

    def at(self, level: Assurance) -> Self:
        """The same, to be graded at another level."""

    def write(self, folder: Path) -> Task:
        """Make its task folder; what stands there is gone already."""

    def tree_after(self, closed: Collection[str]) -> Snapshot:
        """What its reference would have left after these milestones."""

    def without(self, checks: Collection[str]) -> Self | None:
        """The same without some checks; none where a milestone would be left without any."""


P = TypeVar("P", bound=Project)


def prove_in_order(
    project: P,
    folder: Path,
    sandboxes: SandboxFactory,
    pool: Executor,
    progress: Callable[[int, int], None],
) -> tuple[P, Task]:
    """Write a project's folder and prove it; the project as it was proven, with its task.

    Raises:
        SourceError: it holds at no assurance; the message says what stood against it last.
    """
    why = ""
    for level in reversed(Assurance):
        candidate: P | None = project.at(level)
        for _ in range(TRIES):
            if candidate is None:
                break
            shutil.rmtree(folder, ignore_errors=True)
            task = candidate.write(folder)
            whole = grade(task, solution_tree(task), sandboxes)
            odd, why = _out_of_order(candidate, task, whole, sandboxes, pool, progress)
            if why:
                break
            if odd:
                candidate, why = candidate.without(odd), "a milestone keeps no check"
                continue
            certificate = check_task(task, sandboxes, RUNS, graded=(whole,))
            if certificate.sound:
                return candidate, task
            why = certificate.reasons[0]
            if not certificate.flaky:
                break
            candidate = candidate.without(certificate.flaky)
    raise SourceError(f"no project could be proven: {why}")


@dataclass(frozen=True, slots=True)
class _Stubbed:
    """A library with functions stubbed."""

    recipe: ProjectRecipe
    library: Library

    def at(self, level: Assurance) -> Self:
        return replace(self, recipe=replace(self.recipe, assurance=level.value))

    def write(self, folder: Path) -> Task:
        return build_project(self.recipe, folder)

    def tree_after(self, closed: Collection[str]) -> Snapshot:
        return tree_after(self.recipe, self.library, closed)

    def without(self, checks: Collection[str]) -> Self | None:
        recipe = _leaving_out(self.recipe, checks)
        return None if recipe is None else replace(self, recipe=recipe)


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
    try:
        proven, task = prove_in_order(_Stubbed(recipe, library), folder, sandboxes, pool, progress)
    except SourceError as error:
        raise SourceError(f"{recipe.library.requirement}: {error}") from error
    return replace(proven.recipe, tree=tree_hash(task.repository), proof=proof_of(len(recipe.parts)))


def proof_of(milestones: int) -> dict[str, str]:
    """What was run to prove a project of so many milestones."""
    return {"reference": f"{RUNS}/{RUNS}", "noop": f"0/{RUNS}", "in_order": f"{milestones}/{milestones}"}


def _out_of_order(
    project: Project,
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
    names = [milestone.name for milestone in task.milestones]
    prefixes = [names[:number] for number in range(len(names))]

    def graded(closed: list[str]) -> Verdict:
        return grade(task, project.tree_after(closed), sandboxes)

    for done, (closed, verdict) in enumerate(zip(prefixes, pool.map(graded, prefixes), strict=True), start=1):
        if why := _hopeless(verdict):
            return set(), why
        progress(done, len(prefixes))
        due = {check for m in task.milestones if m.name in closed for check in m.checks} | set(task.pass_to_pass)
        passed = {check for check, outcome in verdict.outcomes.items() if outcome is Outcome.PASSED}
        odd |= passed ^ due
    return odd, ""


def _hopeless(verdict: Verdict) -> str:
    if verdict.cause in {Cause.TIMEOUT, Cause.CRASH, Cause.SUPERVISOR}:
        return f"a grading ended by {verdict.cause}"
    return "too slow" if verdict.duration_s > LONGEST_S else ""


def _leaving_out(recipe: ProjectRecipe, odd: Collection[str]) -> ProjectRecipe | None:
    """The recipe without some checks; none where a milestone would be left without any."""
    parts = tuple(
        replace(part, checks=tuple(check for check in part.checks if check not in odd)) for part in recipe.parts
    )
    if not all(part.checks for part in parts):
        return None
    kept = tuple(check for check in recipe.pass_to_pass if check not in odd)
    return replace(recipe, parts=parts, pass_to_pass=kept)
