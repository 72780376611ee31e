"""Which tasks a step trains on."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from journeyman.training.curriculum import ENOUGH, Curriculum


def told(rates: dict[str, float], untried: int = 0, **options: Any) -> Curriculum:
    curriculum = Curriculum([*rates, *(f"new-{n}" for n in range(untried))], seed=3, **options)
    for task, rate in rates.items():
        for n in range(10):
            curriculum.note(task, float(n < rate * 10))
    return curriculum


def test_what_is_solved_now_and_then_is_half_of_a_step_and_the_untried_are_the_rest() -> None:
    curriculum = told({"good": 0.5, "also": 0.2, "easy": 1.0, "hard": 0.0}, untried=3)
    drawn = curriculum.draw(4, step=0)
    assert set(drawn[:2]) == {"good", "also"}
    assert all(task.startswith("new-") for task in drawn[2:])


def test_then_come_those_that_are_nearest_to_it() -> None:
    curriculum = told({"hard": 0.0, "harder than it looks": 0.1, "easy": 1.0, "good": 0.4})
    assert curriculum.draw(4, step=0)[:2] == ["good", "harder than it looks"]


def test_what_was_tried_in_a_step_is_not_drawn_again() -> None:
    curriculum = told({"good": 0.5, "easy": 1.0})
    assert curriculum.draw(2, step=0, without=["good"]) == ["easy"]
    assert curriculum.draw(2, step=0, without=["good", "easy"]) == []


def test_the_last_episodes_count_for_the_policy_changes() -> None:
    curriculum = told({"task": 0.0})
    for _ in range(16):
        curriculum.note("task", 1.0)
    assert curriculum.rate("task") == 1.0


def test_unscored_says_nothing() -> None:
    curriculum = Curriculum(["task"], seed=0)
    curriculum.note("task", None)
    assert curriculum.rate("task") is None


def test_too_hard_is_what_never_earned_anything_in_enough_episodes() -> None:
    curriculum = Curriculum(["task"], seed=0, begins_within=lambda task: True)
    for _ in range(ENOUGH - 1):
        curriculum.note("task", 0.0)
    assert not curriculum.is_too_hard("task")
    curriculum.note("task", 0.0)
    assert curriculum.is_too_hard("task")


def test_it_is_begun_before_the_last_change_and_further_back_once_that_is_mastered() -> None:
    curriculum = Curriculum(["task"], seed=0, begins_within=lambda task: True)
    assert curriculum.begin_at("task", 3) == 3
    curriculum.note("task", 0.5, at=3)
    assert curriculum.begin_at("task", 3) == 3
    for _ in range(16):
        curriculum.note("task", 1.0, at=3)
    assert curriculum.begin_at("task", 3) == 2
    for at in (2, 1):
        curriculum.note("task", 1.0, at=at)
    assert curriculum.begin_at("task", 3) == 0


def test_what_is_too_hard_is_worth_a_group_from_within_and_only_there() -> None:
    hard = {"hard": 0.0, "easy": 0.9}
    assert told(hard).draw(1, step=0) == ["easy"]
    within = told(hard, begins_within=lambda task: True)
    assert within.draw(1, step=0) == ["hard"]  # nobody tried it from within
    within.note("hard", 0.5, at=1)
    assert within.draw(1, step=0) == ["hard"]
    # Without a solution to begin within it is hopeless, and not forever as good as one that nobody tried.
    assert told(hard, begins_within=lambda task: False).draw(1, step=0) == ["easy"]


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.floats(0, 1), min_size=1), st.integers(0, 6))
def test_a_draw_is_of_different_tasks_the_same_again_and_another_at_another_step(
    rates: dict[str, float], count: int
) -> None:
    curriculum = told(rates)
    drawn = curriculum.draw(count, step=1)
    assert len(drawn) == len(set(drawn)) == min(count, len(rates))
    assert drawn == told(rates).draw(count, step=1)
    assert drawn + curriculum.draw(len(rates), 1, without=drawn) and set(drawn) <= set(rates)
