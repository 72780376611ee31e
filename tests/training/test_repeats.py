"""Several episodes of a task: the estimators equal full enumeration, and the intervals hold what they say they do."""

from __future__ import annotations

import itertools
import math
import statistics
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.training.repeats import (
    by_task,
    effective_trials,
    ks,
    paired_by_task,
    pass_at_k,
    pass_hat_k,
    passes,
)
from journeyman.training.stats import Rate, paired

episodes = st.lists(st.booleans(), min_size=1, max_size=8)


@given(episodes, st.data())
def test_pass_at_k_and_pass_hat_k_are_what_drawing_k_episodes_gives(resolved: list[bool], data: st.DataObject) -> None:
    n, c = len(resolved), sum(resolved)
    k = data.draw(st.integers(1, n))
    draws = list(itertools.combinations(resolved, k))
    assert pass_at_k(n, c, k) == pytest.approx(statistics.fmean(map(any, draws)))
    assert pass_hat_k(n, c, k) == pytest.approx(statistics.fmean(map(all, draws)))


def test_one_of_k_gets_easier_with_k_and_all_of_k_harder() -> None:
    at, hat = ([share(8, 3, k) for k in range(1, 9)] for share in (pass_at_k, pass_hat_k))
    assert at == sorted(at) and hat == sorted(hat, reverse=True)
    assert at[0] == hat[0] == pytest.approx(3 / 8)
    assert (at[-1], hat[-1]) == (1.0, 0.0)


@pytest.mark.parametrize(("n", "c", "k"), [(3, 1, 0), (3, 1, 4), (3, 4, 1), (3, -1, 1)])
def test_impossible_counts_are_refused(n: int, c: int, k: int) -> None:
    for share in (pass_at_k, pass_hat_k):
        with pytest.raises(ValueError, match="k must be 1 to n"):
            share(n, c, k)


@pytest.mark.parametrize(("seeds", "expected"), [(0, ()), (1, (1,)), (3, (1, 2, 3)), (4, (1, 2, 4)), (8, (1, 2, 4, 8))])
def test_k_doubles_up_to_the_number_of_seeds(seeds: int, expected: tuple[int, ...]) -> None:
    assert ks(seeds) == (() if not seeds else expected)


def test_a_task_with_too_few_scored_episodes_is_left_out() -> None:
    found = passes({"a": (2, 4), "b": (1, 1), "unscored": (0, 0)})
    assert {k: each.at_k.tasks for k, each in found.items()} == {1: 2, 2: 1, 4: 1}
    assert found[1].at_k.value == pytest.approx((0.5 + 1) / 2)
    assert found[4].hat_k.value == 0.0
    assert passes({"unscored": (0, 0)}) == {}


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_with_one_episode_of_each_task_the_interval_is_wilsons(resolved: list[bool]) -> None:
    rate = by_task((task, r, 1) for task, r in enumerate(resolved))
    assert rate.interval == pytest.approx(Rate(sum(resolved), len(resolved)).interval)
    assert passes({str(task): (r, 1) for task, r in enumerate(resolved)})[1].at_k.interval == pytest.approx(
        rate.interval
    )


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), min_size=1, max_size=30))
def test_episodes_are_worth_at_most_themselves_and_at_least_their_tasks(counts: list[tuple[int, int]]) -> None:
    hits, sizes = [min(c, n) for c, n in counts], [n for _, n in counts]
    worth = effective_trials(hits, sizes)
    kish = sum(sizes) ** 2 / sum(n * n for n in sizes)
    assert kish - 1e-9 <= worth <= max(sum(sizes), kish) + 1e-9
    rate = by_task((task, c, n) for task, (c, n) in enumerate(zip(hits, sizes, strict=True)))
    low, high = rate.interval
    assert 0 <= low <= rate.value + 1e-12 and rate.value - 1e-12 <= high <= 1


def test_repeating_what_is_settled_proves_nothing_new() -> None:
    """Four greedy episodes of a task end alike: the interval is that of the tasks alone."""
    once = [True, False, True, False, False]
    again = by_task((task, 4 * r, 4) for task, r in enumerate(once))
    assert (again.successes, again.trials) == (8, 20)
    assert again.interval == pytest.approx(Rate(2, 5).interval)
    assert by_task([("a", 0, 4), ("b", 0, 4)]).interval == Rate(0, 2).interval
    assert by_task([("only", 3, 4)]).interval == Rate(3, 4, effective=1.0).interval


def test_nothing_scored_says_nothing() -> None:
    assert by_task([]) == by_task([("a", 0, 0)]) == Rate(0, 0)


pairs = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()), max_size=14)


@given(pairs)
def test_the_sign_flip_test_is_full_enumeration(found: list[tuple[int, bool, bool]]) -> None:
    test = paired_by_task(found)
    far = abs(sum(test.differences))
    flips = itertools.product((1, -1), repeat=len(test.differences))
    sums = [abs(sum(sign * d for sign, d in zip(signs, test.differences, strict=True))) for signs in flips]
    assert test.p_value == pytest.approx(statistics.fmean(total >= far for total in sums))


@given(pairs)
def test_it_has_no_favourite(found: list[tuple[int, bool, bool]]) -> None:
    one = paired_by_task(found)
    other = paired_by_task([(task, second, first) for task, first, second in found])
    assert one.p_value == other.p_value
    assert one.interval == pytest.approx([-bound for bound in reversed(other.interval)])
    low, high = one.interval
    assert -1 <= low <= high <= 1
    assert not found or low - 1e-12 <= 0 or one.difference > 0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_with_one_episode_of_each_task_it_is_mcnemars(outcomes: list[tuple[bool, bool]]) -> None:
    test = paired_by_task((task, a, b) for task, (a, b) in enumerate(outcomes))
    assert test.p_value == pytest.approx(paired(*zip(*outcomes, strict=True)).p_value)


def test_episodes_of_one_task_are_no_independent_pairs() -> None:
    """Three tasks, eight episodes each, all won by the second: McNemar would take that for 24 wins."""
    test = paired_by_task((task, False, True) for task in "abc" for _ in range(8))
    assert test.p_value == 2 / 2**3
    assert paired([False] * 24, [True] * 24).p_value < 1e-6
    assert (test.difference, str(test)[:7]) == (1.0, "+100.0%")


def test_many_tasks_are_tested_exactly_too() -> None:
    test = paired_by_task((task, False, task % 3 > 0) for task in range(600))
    assert test.p_value == pytest.approx(2 / 2**400)


def test_no_pairs_say_nothing() -> None:
    test = paired_by_task([])
    assert math.isnan(test.difference)
    assert (test.interval, test.p_value) == ((-1.0, 1.0), 1.0)
    assert test.to_dict()["difference"] is None


@pytest.mark.parametrize("tasks", [6, 20])
def test_the_intervals_hold_the_truth_as_often_as_they_say(tasks: int) -> None:
    """Tasks of very different difficulty, four episodes each, drawn 400 times: both intervals cover at least 93%."""
    rng = Random(tasks)
    seeds, trials, gain = 4, 400, 0.2
    covered = covered_difference = 0
    for _ in range(trials):
        chances = [rng.betavariate(0.6, 1.4) * 0.8 for _ in range(tasks)]  # 0.24 on average

        def episodes(more: float, chances: list[float] = chances) -> list[bool]:
            return [rng.random() < p + more for p in chances for _ in range(seeds)]

        first, second = episodes(0.0), episodes(gain)
        rate = by_task((i // seeds, r, 1) for i, r in enumerate(first))
        low, high = rate.interval
        covered += low <= 0.24 <= high
        low, high = paired_by_task(
            (i // seeds, a, b) for i, (a, b) in enumerate(zip(first, second, strict=True))
        ).interval
        covered_difference += low <= gain <= high
    assert covered / trials >= 0.93
    assert covered_difference / trials >= 0.93
