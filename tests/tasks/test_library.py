"""The bundled library: each task is proven, says no more than it should, and is of a size that a person can read."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from journeyman.sandbox.sandbox import File, SandboxFactory, Snapshot
from journeyman.tasks.grading import grade
from journeyman.tasks.harbor import bundled_tasks
from journeyman.tasks.harbor_files import has_canary, walk
from journeyman.tasks.task import Milestone, Task
from journeyman.tasks.validation import check_task

TASKS = {task.name.removeprefix("journeyman/"): task for task in bundled_tasks()}
BUGS = {name: task for name, task in TASKS.items() if not task.milestones}
PROJECTS = {name: task for name, task in TASKS.items() if task.milestones}
SHORTEST_LEAK = 16
"""A changed line of a solution that is shorter says nothing by itself, such as "else:"."""

every_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
every_bug = pytest.mark.parametrize("task", BUGS.values(), ids=BUGS)
every_project = pytest.mark.parametrize("task", PROJECTS.values(), ids=PROJECTS)


def solution_of(task: Task) -> dict[str, Path]:
    assert task.solution is not None
    return dict(walk(task.solution))


def hidden_of(task: Task) -> dict[str, Path]:
    assert task.hidden is not None
    return dict(walk(task.hidden))


def seen(task: Task) -> Iterator[tuple[str, str]]:
    """Every text that a policy reads at the start, with its name."""
    yield "instruction.md", task.instruction
    for milestone in task.milestones:
        yield f"steps/{milestone.name}", milestone.instruction
    for name, path in walk(task.repository):
        yield name, path.read_text(encoding="utf-8")


def names_of_tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def changed_lines(task: Task, name: str) -> list[str]:
    """Lines of the solution's file that the repository's file lacks."""
    before = (task.repository / name).read_text(encoding="utf-8").splitlines()
    after = solution_of(task)[name].read_text(encoding="utf-8").splitlines()
    return [line[2:].strip() for line in difflib.ndiff(before, after) if line.startswith("+ ")]


def up_to(task: Task, milestone: Milestone) -> set[str]:
    """Names of a milestone and of all that it builds on."""
    by_name = {each.name: each for each in task.milestones}
    names = {milestone.name}
    for parent in milestone.depends_on:
        names |= up_to(task, by_name[parent])
    return names


def part_of(task: Task, milestones: set[str]) -> Snapshot:
    """The solution's files of some milestones, as a policy would have left them."""
    wanted = {name for milestone in milestones for name in task.metadata["solution_files"][milestone]}
    files = {name: File(path.read_bytes()) for name, path in solution_of(task).items() if name in wanted}
    assert files.keys() == wanted
    return Snapshot(tree_hash="", base_hash="", changed=files)


def test_there_are_bugs_and_projects() -> None:
    assert len(BUGS) >= 4
    assert len(PROJECTS) >= 4


@every_task
def test_every_test_is_a_check(task: Task) -> None:
    files = {**dict(walk(task.repository)), **hidden_of(task)}
    tests = {f"{name}::{test}" for name, path in files.items() if "/test_" in name for test in names_of_tests(path)}
    assert {check.id.partition("[")[0] for check in task.checks} == tests


@every_task
def test_hidden_files_are_tests_that_the_repository_lacks(task: Task) -> None:
    assert hidden_of(task)
    for name in hidden_of(task):
        assert name.startswith("tests/test_")
        assert not (task.repository / name).exists()


@every_task
def test_nothing_that_a_policy_reads_tells_of_the_hidden_tests(task: Task) -> None:
    words = {Path(name).stem for name in hidden_of(task)}
    words |= {test for path in hidden_of(task).values() for test in names_of_tests(path)}
    words -= {test for name, path in walk(task.repository) if "/test_" in name for test in names_of_tests(path)}
    for name, text in seen(task):
        assert not words & set(re.findall(r"\w+", text)), name


@every_task
def test_canary_stands_in_every_hidden_file_and_nowhere_else(task: Task) -> None:
    assert all(has_canary(path, task.canary) for path in hidden_of(task).values())
    for name, text in seen(task):
        assert task.canary not in text, name
    for name, path in solution_of(task).items():
        assert not has_canary(path, task.canary), name


def test_canaries_differ() -> None:
    assert len({task.canary for task in TASKS.values()}) == len(TASKS)


@every_task
def test_instructions_hold_no_line_of_the_solution(task: Task) -> None:
    texts = [text for name, text in seen(task) if name == "instruction.md" or name.startswith("steps/")]
    for name in solution_of(task):
        for line in changed_lines(task, name):
            if len(line) >= SHORTEST_LEAK and not line.startswith(("#", '"""', "from ", "import ", "def ", "class ")):
                assert not any(line in text for text in texts), line


@every_task
def test_repository_is_small_but_whole(task: Task) -> None:
    names = dict(walk(task.repository))
    assert {"README.md", "pyproject.toml"} <= names.keys()
    package = {name: path for name, path in names.items() if name.endswith(".py") and not name.startswith("tests/")}
    package.update(solution_of(task))
    assert 4 <= len(package) <= 10
    assert 80 <= sum(len(path.read_text(encoding="utf-8").splitlines()) for path in package.values()) <= 600


@every_bug
def test_bug_is_in_one_short_function(task: Task) -> None:
    [(name, path)] = solution_of(task).items()
    after = path.read_text(encoding="utf-8")
    before = (task.repository / name).read_text(encoding="utf-8")
    assert 1 <= len(changed_lines(task, name)) <= 4
    untouched = {ast.unparse(function) for function in functions_in(before)}
    [edited] = [function for function in functions_in(after) if ast.unparse(function) not in untouched]
    assert (edited.end_lineno or 0) - edited.lineno < 40


def functions_in(source: str) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]


@every_project
def test_project_has_three_to_six_milestones_that_branch(task: Task) -> None:
    assert 3 <= len(task.milestones) <= 6
    order = list(task.in_order())
    assert len(order) == len(task.milestones)
    above = {milestone.name: up_to(task, milestone) for milestone in order}
    assert any(len(milestone.depends_on) > 1 for milestone in order)
    free = [(a, b) for a in above for b in above if a < b and a not in above[b] and b not in above[a]]
    assert free, "every milestone depends on every other: a chain, not a project that can be planned"


@every_project
def test_milestones_share_no_check_and_leave_none_open(task: Task) -> None:
    checks = [check for milestone in task.milestones for check in milestone.checks]
    assert len(set(checks)) == len(checks)
    assert set(task.fail_to_pass) <= set(checks)
    for milestone in task.milestones:
        assert any(check.partition("::")[0] in hidden_of(task) for check in milestone.checks)


def test_one_task_is_proven(sandboxes: SandboxFactory) -> None:
    certificate = check_task(TASKS["till-line-rounding"], sandboxes, runs=1)
    assert certificate.sound, certificate.reasons


@pytest.mark.slow
@every_task
def test_every_task_is_proven(task: Task, sandboxes: SandboxFactory) -> None:
    certificate = check_task(task, sandboxes, runs=3)
    assert certificate.sound, certificate.reasons
    assert set(certificate.milestones) == {milestone.name for milestone in task.milestones}


@pytest.mark.slow
@every_project
def test_each_milestone_closes_by_its_own_part_of_the_solution(task: Task, sandboxes: SandboxFactory) -> None:
    for milestone in task.milestones:
        done = up_to(task, milestone)
        verdict = grade(task, part_of(task, done), sandboxes)
        assert {name for name, closed in verdict.milestones.items() if closed} == done, verdict.detail
        assert all(verdict.outcomes[check].value == "passed" for check in task.pass_to_pass)
