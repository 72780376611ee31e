"""A candidate is accepted by a test whose error is bounded over all rounds; a refusal says what would be seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from journeyman.tasks.task import Task
from journeyman.training.evaluate import Evaluation, TaskResult
from journeyman.training.round_decision import (
    Decision,
    by_task,
    decide,
    fewest_differing,
    heldout_of,
    level_of,
    pairs_needed,
    rates,
    split_heldout,
)
from journeyman.training.stats import Paired, Rate
from tests.making import tiny_project


def evaluation(*solved: bool, seeds: int = 1) -> Evaluation:
    rows = [TaskResult(f"t{n // seeds}", n % seeds, f"e{n}", each, float(each), 0, 0, "reported", 1, 0, 0.0)
            for n, each in enumerate(solved)]  # fmt: skip
    return Evaluation("p", tuple(rows))


@pytest.mark.parametrize(
    ("before", "level"),
    [
        ([], 0.025),
        ([False], 0.0125),
        ([False, False], 0.00625),
        ([True], 0.0125 + 0.025),
        ([None], 0.0125 + 0.025),
        ([True, False], 0.00625),
        ([False, True], 0.00625 + 0.0125),
    ],
)
def test_a_level_is_spent_by_a_lost_test_only(before: list[bool | None], level: float) -> None:
    assert level_of(0.05, before) == pytest.approx(level)


def test_over_many_rounds_of_no_progress_few_runs_accept_anything() -> None:
    """Candidates no better than their champion: of 200 runs of six rounds, at most 5% and some luck accept one."""
    random, wrong = Random(1), 0
    for _ in range(200):
        before: list[bool | None] = []
        for _ in range(6):
            champion, candidate = (evaluation(*(random.random() < 0.3 for _ in range(40))) for _ in range(2))
            before.append(decide(candidate, champion, level_of(0.05, before)).accepted)
        wrong += any(before)
    assert wrong / 200 < 0.07


def test_only_a_gain_is_accepted() -> None:
    champion, better = evaluation(*[False] * 10), evaluation(*[True] * 8, False, False)
    accepted = decide(better, champion, 0.025)
    assert accepted.accepted and accepted.pairs == Paired(0, 8, 0, 2) and accepted.pairs.p_value < 0.025
    assert not decide(champion, better, 0.025).accepted
    assert Decision.from_dict(accepted.to_dict()) == accepted


def test_several_episodes_of_a_task_are_one_pair() -> None:
    champion = evaluation(True, False, False, False, True, True, seeds=2)
    candidate = evaluation(True, True, False, False, False, True, seeds=2)
    assert by_task(candidate, champion) == Paired(only_first=1, only_second=1, both=0, neither=1)


def test_what_one_has_no_score_for_is_no_pair() -> None:
    unscored = TaskResult("t0", 0, "e", False, None, 0, 0, "sandbox_lost", 1, 0, 0.0)
    found = decide(Evaluation("p", (unscored,)), evaluation(True), 0.025)
    assert found.accepted is False and "no task has a score of both" in found.advice[0]


def test_a_champion_that_could_not_act_has_not_failed() -> None:
    def unable(count: int) -> Evaluation:
        rows = (replace(row, stop="policy_error", reward=None) for row in evaluation(*[False] * count).results)
        return Evaluation("p", tuple(rows))

    able = evaluation(*[True] * 9)
    assert by_task(able, unable(9)) == Paired(0, 0, 0, 0)
    assert by_task(unable(9), able) == Paired(only_first=9, only_second=0, both=0, neither=0)
    assert rates(able, unable(9)) == (Rate(0, 0), Rate(0, 0)), "and the rates are of what is compared"
    assert [(each.successes, each.trials) for each in rates(unable(9), able)] == [(9, 9), (0, 9)]


def test_a_refusal_says_how_many_tasks_would_do() -> None:
    champion = evaluation(*[False] * 3, *[True] * 37)
    slightly = evaluation(*[True] * 3, False, *[True] * 36)
    lines = decide(slightly, champion, 0.025).advice
    assert "a true gain as large as the one seen, 5.0 points" in lines[0] and "there were 40" in lines[0]
    assert lines[-1] == "4 tasks told the two apart; even with none lost, 7 must be gained at this level"


def test_the_number_of_pairs_is_the_books() -> None:
    """Connor's formula, worked for 45% gained and 5% lost."""
    assert pairs_needed(0.5, 0.4, 0.05) == 23
    assert pairs_needed(0.2, 0.05, 0.05) > pairs_needed(0.2, 0.1, 0.05) > pairs_needed(0.2, 0.2, 0.05)


@pytest.mark.parametrize("level", [0.05, 0.025, 0.0125, 0.001])
def test_the_fewest_that_must_differ_are_just_enough(level: float) -> None:
    fewest = fewest_differing(level)
    assert Paired(0, fewest, 0, 0).p_value <= level < Paired(0, fewest - 1, 0, 0).p_value


@pytest.fixture(scope="module")
def heldout(tmp_path_factory: pytest.TempPathFactory) -> list[Task]:
    folder = tmp_path_factory.mktemp("heldout")
    return [tiny_project(folder, name=f"task-{n}") for n in range(11)]


def test_the_last_word_has_tasks_of_its_own(heldout: list[Task]) -> None:
    rotating, final = split_heldout(heldout, 0.25, seed=0)
    assert (len(rotating), len(final)) == (8, 3)
    assert {task.name for task in [*rotating, *final]} == {task.name for task in heldout}
    assert split_heldout(heldout[::-1], 0.25, seed=0) == (rotating, final)
    assert split_heldout(heldout, 0.25, seed=1) != (rotating, final)


def test_rounds_take_turns_over_the_others(heldout: list[Task], tmp_path: Path) -> None:
    windows = [[task.name for task in heldout_of(heldout, number, 4)] for number in (1, 2, 3)]
    assert windows[0] == ["task-0", "task-1", "task-2", "task-3"]
    assert windows[1] == ["task-4", "task-5", "task-6", "task-7"]
    assert windows[2] == ["task-8", "task-9", "task-10", "task-0"]
    assert len(heldout_of(heldout, 5, 99)) == 11


def test_a_candidate_does_not_win_by_what_it_could_not_play() -> None:
    """The champion solves the first ten tasks; the candidate failed at once on these, and solves the last ten."""
    champion = evaluation(*[True] * 10, *[False] * 10)
    rows = evaluation(*[False] * 10, *[True] * 10).results
    unable = tuple(replace(row, reward=None, stop="policy_error") for row in rows[:10])
    decision = decide(Evaluation("p", unable + rows[10:]), champion, 0.025)
    assert not decision.accepted and (decision.pairs.only_first, decision.pairs.only_second) == (10, 10)
