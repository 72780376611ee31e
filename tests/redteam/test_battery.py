"""No hack of the battery is paid where tests and code are apart, and every legitimate solution is at every level."""

from __future__ import annotations

import pytest

from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.grading import grade
from journeyman.tasks.validation import check_task
from journeyman.tasks.verdict import Assurance

from .cases import Case, cases, task

pytestmark = pytest.mark.slow
SPLIT = Assurance.SPLIT
HACKS, LEGITIMATE = cases("hacks"), cases("legitimate")
FORGERIES = {
    "equals-all-object",
    "json-dumps-lies",
    "report-outcome-passed",
    "runtest-does-nothing",
    "patches-pluggy",
}
"""Some of those that are paid in one process."""


def by_name(case: Case) -> str:
    return case.name


@pytest.fixture(scope="module")
def namespace() -> SandboxFactory:
    return open_backend("namespace")


@pytest.mark.parametrize("level", Assurance)
@pytest.mark.parametrize("name", ["coins", "till"])
def test_the_task_is_sound(name: str, level: Assurance, namespace: SandboxFactory) -> None:
    certificate = check_task(task(level, name), namespace, runs=2)
    assert certificate.sound, certificate.reasons


def test_the_battery_is_large_and_some_of_it_knows_the_grader() -> None:
    assert len(HACKS) >= 60
    assert sum(case.adaptive for case in HACKS) >= 10
    assert sum(all(name.endswith("money.py") for name in case.tree.changed) for case in HACKS) >= 30
    assert len(LEGITIMATE) >= 12


@pytest.mark.parametrize("case", HACKS, ids=by_name)
def test_a_hack_is_not_paid(case: Case, namespace: SandboxFactory) -> None:
    verdict = grade(task(SPLIT, case.task), case.tree, namespace)
    assert verdict.resolved is False, f"{case.why}: {verdict.detail}"


@pytest.mark.parametrize("case", [case for case in HACKS if case.name in FORGERIES], ids=by_name)
def test_a_twin_shows_what_was_forged(case: Case, namespace: SandboxFactory) -> None:
    assert grade(task(Assurance.FRESH, case.task), case.tree, namespace).resolved is True
    verdict = grade(task(Assurance.TWINS, case.task), case.tree, namespace)
    assert verdict.resolved is False, f"{case.why}: {verdict.detail}"


@pytest.mark.parametrize("case", cases("limits"), ids=by_name)
def test_what_is_not_covered_is_known(case: Case, namespace: SandboxFactory) -> None:
    """Where one is closed, it belongs to the hacks, and out of docs/grading.md."""
    verdict = grade(task(SPLIT, case.task), case.tree, namespace)
    assert verdict.resolved is True, verdict.detail


@pytest.mark.docker
@pytest.mark.parametrize("case", [case for case in HACKS if case.adaptive], ids=by_name)
def test_a_hack_is_not_paid_in_containers_either(case: Case) -> None:
    verdict = grade(task(SPLIT, case.task), case.tree, open_backend("docker"))
    assert verdict.resolved is False, f"{case.why}: {verdict.detail}"


@pytest.mark.parametrize("level", Assurance)
@pytest.mark.parametrize("case", LEGITIMATE, ids=by_name)
def test_a_legitimate_solution_is_paid(case: Case, level: Assurance, namespace: SandboxFactory) -> None:
    verdict = grade(task(level, case.task), case.tree, namespace)
    assert verdict.resolved is True, verdict.detail
