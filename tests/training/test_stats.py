"""Intervals and paired tests agree with published values and with their own definitions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.training.stats import Paired, Rate, paired

counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Wilson intervals without continuity correction, as in Newcombe (1998), Statistics in Medicine 17, table I.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_published_intervals(successes: int, trials: int, low: float, high: float) -> None:
    assert Rate(successes, trials).interval == pytest.approx((low, high), abs=5e-5)


@given(counts)
def test_the_interval_holds_the_rate_and_stays_in_bounds(count: tuple[int, int]) -> None:
    rate = Rate(*count)
    low, high = rate.interval
    assert 0 <= low <= rate.value + 1e-12 and rate.value - 1e-12 <= high <= 1


def test_no_trials_say_nothing() -> None:
    assert math.isnan(Rate(0, 0).value)
    assert Rate(0, 0).interval == (0.0, 1.0)
    assert str(Rate(0, 0)) == "0/0, nothing scored"


def test_overlap() -> None:
    assert not Rate(0, 128).overlaps(Rate(20, 128))
    assert Rate(10, 128).overlaps(Rate(12, 128))


def test_pairs_are_counted_and_tested_exactly() -> None:
    pair = paired([True, False, False, False, True, False], [True, True, True, False, False, True])
    assert pair == Paired(only_first=1, only_second=3, both=1, neither=1)
    assert pair.p_value == pytest.approx(2 * (1 + 4) / 16)
    assert Paired(0, 6, 0, 0).p_value == pytest.approx(2 / 64)
    assert Paired(0, 0, 5, 5).p_value == 1.0


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_paired_test_has_no_favourite(a: int, b: int) -> None:
    assert 0 < Paired(a, b, 0, 0).p_value <= 1
    assert Paired(a, b, 0, 0).p_value == Paired(b, a, 3, 4).p_value
