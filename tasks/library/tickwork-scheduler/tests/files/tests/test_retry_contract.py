from datetime import timedelta
from fractions import Fraction

import pytest

from tickwork import Backoff


def seconds(backoff, *failures):
    waits = [backoff.wait_after(number) for number in failures]
    return [None if wait is None else wait.total_seconds() for wait in waits]


def test_constant():
    assert seconds(Backoff(timedelta(seconds=30)), 1, 2, 50) == [30, 30, 30]


def test_growth_is_exact_and_rounded_down_at_the_end():
    assert seconds(Backoff(timedelta(seconds=10), Fraction(3, 2)), 1, 2, 3, 4, 5) == [10, 15, 22, 33, 50]
    assert seconds(Backoff(timedelta(seconds=1), Fraction(11, 10)), 7, 8, 9) == [1, 1, 2]
    assert seconds(Backoff(timedelta(seconds=2.5), Fraction(2)), 1, 2) == [2, 5]


def test_longest():
    backoff = Backoff(timedelta(minutes=5), Fraction(2), longest=timedelta(minutes=15))
    assert seconds(backoff, 1, 2, 3, 4) == [300, 600, 900, 900]


def test_a_day_is_the_longest_by_default():
    assert seconds(Backoff(timedelta(hours=10), Fraction(2)), 1, 2, 3) == [36000, 72000, 86400]


def test_tries():
    backoff = Backoff(timedelta(seconds=5), tries=3)
    assert seconds(backoff, 1, 2, 3, 4) == [5, 5, None, None]
    assert seconds(Backoff(timedelta(seconds=5), tries=1), 1) == [None]


@pytest.mark.parametrize("factor", [1, 2, Fraction(11, 10)], ids=["one", "two", "slow"])
def test_many_failures(factor):
    assert Backoff(timedelta(seconds=5), Fraction(factor)).wait_after(10**9) == timedelta(seconds=5 if factor == 1 else 86400)


@pytest.mark.parametrize("failures", [0, -1])
def test_no_wait_before_the_first_failure(failures):
    with pytest.raises(ValueError):
        Backoff(timedelta(seconds=5)).wait_after(failures)


@pytest.mark.parametrize(
    "arguments",
    [
        {"first": timedelta(0)},
        {"first": timedelta(seconds=-5)},
        {"first": timedelta(milliseconds=999)},
        {"first": timedelta(seconds=5), "factor": Fraction(1, 2)},
        {"first": timedelta(seconds=5), "longest": timedelta(seconds=4)},
        {"first": timedelta(days=2)},
        {"first": timedelta(seconds=5), "tries": 0},
    ],
    ids=range(7),
)
def test_constructor_refuses(arguments):
    with pytest.raises(ValueError):
        Backoff(**arguments)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", Backoff(timedelta(seconds=30))),
        ("5m x2", Backoff(timedelta(minutes=5), Fraction(2))),
        ("10s x1.5 max 10m tries 5", Backoff(timedelta(seconds=10), Fraction(3, 2), timedelta(minutes=10), 5)),
        ("2d max 1w", Backoff(timedelta(days=2), longest=timedelta(weeks=1))),
        ("  1M  X2.0\tTRIES 1 ", Backoff(timedelta(minutes=1), Fraction(2), tries=1)),
        ("1s x1.1", Backoff(timedelta(seconds=1), Fraction(11, 10))),
        ("1h30m tries 2", Backoff(timedelta(minutes=90), tries=2)),
    ],
    ids=range(7),
)
def test_parse(text, expected):
    assert Backoff.parse(text) == expected


BAD = ["", "x2", "5m 2", "5m x", "5m x-2", "5m max", "5m tries", "5m tries 2 x2", "5m max 1h x2", "5m tries 0", "5m x0.5", "5m max 1m",
       "0s", "2d", "5m tries 1.5", "5m x2 x2", "5q", "5m max 5q", "5m now"]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_parse_refuses(text):
    with pytest.raises(ValueError):
        Backoff.parse(text)
# journeyman-canary-6b3ca0812810d0129344c78b7f100ff2
