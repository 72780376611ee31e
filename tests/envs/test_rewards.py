"""The reference pays exactly 1, nothing pays 0, and each term says where it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.rewards import no_reward, reward_terms, total
from journeyman.tasks.task import Task
from journeyman.tasks.verdict import Assurance, Outcome, Verdict
from tests.making import tiny_project, tiny_task


def verdict_of(task: Task, *closed: str, scored: bool = True) -> Verdict:
    """The verdict in which the checks of these milestones pass, and no other."""
    passing = {check for m in task.milestones if m.name in closed for check in m.checks}
    outcomes = {c.id: Outcome.PASSED if c.id in passing else Outcome.FAILED for c in task.checks}
    milestones = {m.name: m.name in closed for m in task.milestones}
    return Verdict(outcomes, milestones, len(passing) == len(task.checks) if scored else None, Assurance.FRESH, "")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Task:
    return tiny_project(tmp_path_factory.mktemp("project"))


@given(weight=st.floats(0, 1))
def test_the_whole_project_pays_exactly_one_at_any_weight(project: Task, weight: float) -> None:
    terms = reward_terms(project, verdict_of(project, "double", "quadruple"), milestone_weight=weight)
    assert total(terms) == 1.0
    assert total(reward_terms(project, verdict_of(project), milestone_weight=weight)) == 0.0


def test_half_of_the_milestones_pay_half_of_their_share(project: Task) -> None:
    outcome, milestones = reward_terms(project, verdict_of(project, "double"))
    assert (outcome.amount, milestones.amount) == (0.0, 0.25)
    assert outcome.source == "1 of 2 checks passed (fresh)"
    assert milestones.source == "1 of 2 milestones closed by their checks: double"


def test_without_milestones_the_outcome_pays_everything(tmp_path: Path) -> None:
    task = tiny_task(tmp_path)
    resolved = Verdict({c.id: Outcome.PASSED for c in task.checks}, {}, True, Assurance.FRESH, "")
    (term,) = reward_terms(task, resolved, milestone_weight=0.9)
    assert (term.name, term.amount) == ("outcome", 1.0)


def test_unscored_is_none_and_a_rule_can_pay_nothing(project: Task) -> None:
    assert reward_terms(project, verdict_of(project, scored=False)) == ()
    assert total(()) is None
    assert total(no_reward("the sandbox died")) == 0.0
