"""From a trial to a recipe: which checks, which of them hidden, what is said; then the folder and its proof."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.sources import removal
from journeyman.tasks.sources.code import functions_in
from journeyman.tasks.sources.hide import choose_hidden
from journeyman.tasks.sources.library import Library
from journeyman.tasks.sources.recipe import LibraryLine, Recipe, build_recipe, tree_hash
from journeyman.tasks.sources.splitting import for_split
from journeyman.tasks.sources.symptom import Symptom, describe
from journeyman.tasks.sources.trial import MAX_FAIL_TO_PASS, MAX_PASS_TO_PASS, Trial
from journeyman.tasks.task import Task
from journeyman.tasks.validation import check_task
from journeyman.tasks.verdict import Assurance, Verdict

RUNS = 3
ENOUGH_NEAR = 6
MAKING = ".making"
UNPROVEN = "not proven in two sandboxes"


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of a recipe."""

    recipe: Recipe
    reason: str
    """Why it is not kept; empty when its folder stands."""


class Maker:
    """Makes recipes from the trials of one library's mutants."""

    def __init__(self, library: Library, seed: int) -> None:
        self._library, self._seed = library, seed
        self._line = LibraryLine.of(library)
        self._tests = {path: library.read(path) for path in library.tests}
        self._functions = set(_function_names(library))

    def recipe(self, trial: Trial) -> Recipe:
        """The recipe of a trial that was not rejected."""
        mutant, rng = trial.mutant, random.Random(f"{self._seed}:{trial.mutant.key}")
        is_removal = mutant.mutation.operator in removal.OPERATORS
        symptom = self._symptom(trial)
        failing = [failure.test for failure in trial.failures]
        # The shown test is always checked; the others in order, the most specific first.
        checked = [symptom.test, *(test for test in failing if test != symptom.test)][:MAX_FAIL_TO_PASS]
        hidden = choose_hidden(checked, symptom.test, self._tests, rng)
        text, facts = symptom.text, _facts(trial, symptom)
        if is_removal:
            text = removal.statement(mutant, symptom, hidden, self._tests, self._library)
            facts |= {"difficulty": removal.difficulty(mutant), "told": removal.is_told(mutant, symptom)}
        name = re.sub(r"[^A-Za-z0-9]+", "-", mutant.mutation.function).strip("-").lower() or "function"
        return Recipe(
            name=f"{self._library.sdist.name}/{name}-{mutant.key[:8]}",
            library=self._line,
            mutation=mutant.mutation,
            fail_to_pass=tuple(checked),
            pass_to_pass=_to_keep(trial.passed, checked),
            hidden=hidden,
            instruction=text,
            facts=facts,
        )

    def _symptom(self, trial: Trial) -> Symptom:
        """Of all failures, the one that tells most: it names the function at fault if one does, in few words."""
        fault = trial.mutant.function.name
        told = [describe(failure, fault, self._tests, self._functions) for failure in trial.failures[:MAX_FAIL_TO_PASS]]
        return min(told, key=lambda symptom: (not symptom.names_the_fault, not symptom.named, len(symptom.text)))


def _function_names(library: Library) -> Iterator[str]:
    for path in library.sources:
        with suppress(ValueError):  # no fault is made in what does not parse
            yield from (function.name for function in functions_in(path, library.read(path)))


def _to_keep(passed: Sequence[str], checked: Sequence[str]) -> tuple[str, ...]:
    """What must go on passing: tests of the same files if they are enough, so that a grading opens few files."""
    files = {test.partition("::")[0] for test in checked}
    near = [test for test in passed if test.partition("::")[0] in files]
    far = [test for test in passed if test not in near]
    return tuple((near if len(near) >= ENOUGH_NEAR else near + far)[:MAX_PASS_TO_PASS])


def _facts(trial: Trial, symptom: Symptom) -> dict[str, Any]:
    lines, one_line = trial.mutant.function.lines, trial.mutant.mutation.one_line
    return {
        "key": trial.mutant.key,
        "function_lines": lines,
        "named_function": symptom.named,
        "fault_in_named_function": symptom.names_the_fault,
        "failing_tests": len(trial.failures),
        "difficulty": _difficulty(one_line, lines, symptom.names_the_fault),
    }


def _difficulty(one_line: bool, lines: int, named: bool) -> str:
    """How much must be found: the function, the line in it, more than one line."""
    if not one_line or lines > 40:
        return "hard"
    return "easy" if named and lines <= 15 else "medium"


def folder_name(recipe: Recipe) -> str:
    return recipe.name.replace("/", "-")


def clear(library: str, out: Path) -> None:
    """Remove what a run over this library that was killed had not finished."""
    for left in out.glob(f".{library}-*{MAKING}"):
        shutil.rmtree(left, ignore_errors=True)


def prove(recipe: Recipe, out: Path, sandboxes: SandboxFactory) -> Proof:
    """Write a recipe's folder out of sight, prove it with the grader, and put it in its place if it holds.

    It is proven at the strongest assurance at which it can be graded.
    """
    making = out / f".{folder_name(recipe)}{MAKING}"
    try:
        level = Assurance.FRESH if recipe.library.toolchain else Assurance.SPLIT  # most hold there: no second folder
        task = build_recipe(replace(recipe, assurance=level.value), making)
        proven, why = prove_strong(recipe, task, making, sandboxes)
        if proven is None:
            proven = _proven(replace(recipe, proof={"unsplit": why}), _rebuilt(recipe, making), sandboxes)
        if proven is None:
            return Proof(recipe, "not proven")
        place = out / folder_name(recipe)
        shutil.rmtree(place, ignore_errors=True)
        making.rename(place)
        return Proof(proven, "")
    finally:
        shutil.rmtree(making, ignore_errors=True)


def prove_strong(recipe: Recipe, task: Task, folder: Path, sandboxes: SandboxFactory) -> tuple[Recipe | None, str]:
    """The recipe with its proof at assurance `split`, or else at `twins`, and why it cannot be split.

    Args:
        task: the recipe's task, whose folder becomes that of the one that is given back.
    """
    if toolchain := recipe.library.toolchain:
        return None, f"run by {toolchain}"
    candidate = for_split(recipe, task, sandboxes)
    why = candidate.why
    if candidate.recipe is not None:
        stands = candidate.graded and task.assurance is Assurance.SPLIT
        at_split = task if stands else _rebuilt(candidate.recipe, folder)
        proven = _proven(candidate.recipe, at_split, sandboxes, candidate.graded)
        if proven is not None:
            return proven, ""
        why = UNPROVEN
    twins = replace(recipe, assurance=Assurance.TWINS.value, tree="", proof={"unsplit": why})
    return _proven(twins, _rebuilt(twins, folder), sandboxes), why


def _rebuilt(recipe: Recipe, making: Path) -> Task:
    shutil.rmtree(making)
    return build_recipe(recipe, making)


def _proven(recipe: Recipe, task: Task, sandboxes: SandboxFactory, graded: tuple[Verdict, ...] = ()) -> Recipe | None:
    """The recipe with the proof of its task; nothing where it does not hold."""
    certificate = check_task(task, sandboxes, RUNS, graded=graded)
    if not certificate.sound:
        return None
    sums = {
        "reference": f"{certificate.reference_resolved}/{certificate.runs}",
        "noop": f"{certificate.noop_resolved}/{certificate.runs}",
    }
    return replace(recipe, tree=tree_hash(task.repository), proof=recipe.proof | sums)
