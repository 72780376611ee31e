"""The suites that come along: proven, varied, of different libraries, and quick to build."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.harbor import load_task
from journeyman.tasks.sources.likeness import compare, likeness_of_recipe
from journeyman.tasks.sources.recipe import Recipe
from journeyman.tasks.sources.suites import SUITES, build_suite, mixed, suite_recipes
from journeyman.tasks.task import TaskError
from journeyman.tasks.validation import check_task

LEAST = {"starter": 400, "heldout": 130}

every_suite = pytest.mark.parametrize("name", SUITES)


def library_of(recipe: Recipe) -> str:
    return recipe.library.requirement.partition("==")[0]


def test_no_library_is_trained_on_and_measured_by() -> None:
    starter, heldout = ({library_of(recipe) for recipe in suite_recipes(name)} for name in SUITES)
    assert len(starter) >= 6
    assert len(heldout) >= 4
    assert not starter & heldout


@pytest.mark.slow
def test_no_held_out_task_is_kin_of_one_that_is_trained_on() -> None:
    starter, heldout = ([likeness_of_recipe(recipe) for recipe in suite_recipes(name)] for name in SUITES)
    assert all(likeness.shingles and likeness.functions for likeness in (*starter, *heldout))
    assert compare(starter, heldout) == ()


@every_suite
def test_every_task_is_proven_and_there_once(name: str) -> None:
    recipes = suite_recipes(name)
    assert len(recipes) >= LEAST[name]
    assert {(recipe.proof["reference"], recipe.proof["noop"]) for recipe in recipes} == {("3/3", "0/3")}
    assert len({recipe.name for recipe in recipes}) == len(recipes)
    assert len({recipe.tree for recipe in recipes}) == len(recipes)
    assert all(recipe.fail_to_pass and recipe.pass_to_pass for recipe in recipes)


@every_suite
def test_most_tasks_are_graded_in_two_sandboxes_and_the_others_say_why(name: str) -> None:
    recipes = suite_recipes(name)
    assert sum(recipe.assurance == "split" for recipe in recipes) >= 0.8 * len(recipes)
    assert all(("unsplit" in recipe.proof) is (recipe.assurance != "split") for recipe in recipes)


@every_suite
def test_tasks_fit_a_small_model(name: str) -> None:
    recipes = suite_recipes(name)
    assert all(recipe.mutation.one_line for recipe in recipes)
    assert all(len(recipe.instruction) <= 600 for recipe in recipes)
    operators = Counter(recipe.mutation.operator for recipe in recipes)
    assert len(operators) >= 8
    assert operators.most_common(1)[0][1] <= 0.4 * len(recipes)


@every_suite
def test_no_instruction_gives_the_fix_away(name: str) -> None:
    for recipe in suite_recipes(name):
        assert recipe.mutation.operator not in recipe.instruction
        assert not set(recipe.hidden) & {line.partition("[")[0] for line in recipe.instruction.split()}


@every_suite
def test_the_package_stays_small(name: str) -> None:
    path = Path(str(files("journeyman.tasks"))) / "suites" / f"{name}.jsonl"
    assert path.stat().st_size < 600_000


def test_any_beginning_of_a_suite_is_a_mix_of_its_libraries() -> None:
    recipes = suite_recipes("starter")
    assert sorted(recipe.name for recipe in mixed(recipes)) == sorted(recipe.name for recipe in recipes)
    whole, quarter = (Counter(library_of(r) for r in some) for some in (recipes, recipes[: len(recipes) // 4]))
    for library, count in whole.items():
        assert abs(quarter[library] - count / 4) <= 2


def test_a_suite_that_is_not_there() -> None:
    with pytest.raises(TaskError, match="starter, heldout"):
        suite_recipes("nightmare")


@pytest.mark.slow
@every_suite
def test_a_suite_is_built_and_still_sound(name: str, sandboxes: SandboxFactory, tmp_path: Path) -> None:
    """Downloads the libraries. Building checks each repository's hash; one task is proven again."""
    seen: list[tuple[int, int]] = []
    tasks = build_suite(name, tmp_path, count=12, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(n, 12) for n in range(1, 13)]
    assert build_suite(name, tmp_path, count=12) == tasks == tuple(load_task(t.repository.parent.parent) for t in tasks)
    certificate = check_task(tasks[0], sandboxes, runs=1)
    assert certificate.sound, certificate.reasons
