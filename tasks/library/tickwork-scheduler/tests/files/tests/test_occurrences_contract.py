from datetime import datetime, timedelta
from itertools import islice

import pytest

from tickwork import NeverError, between, next_after, parse, previous_before


def at(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("* * * * *", "2024-03-01T10:00", "2024-03-01T10:01"),
        ("* * * * *", "2024-03-01T10:00:00.000001", "2024-03-01T10:01"),
        ("* * * * *", "2024-03-01T09:59:59.999999", "2024-03-01T10:00"),
        ("0 12 * * *", "2024-03-01T11:59", "2024-03-01T12:00"),
        ("0 12 * * *", "2024-03-01T12:00", "2024-03-02T12:00"),
        ("0 12 * * *", "2024-03-01T12:00:01", "2024-03-02T12:00"),
        ("*/15 9-17 * * *", "2024-03-01T17:45", "2024-03-02T09:00"),
        ("30 2 * * mon-fri", "2024-03-01T03:00", "2024-03-04T02:30"),
        ("0 0 31 * *", "2024-03-31T00:00", "2024-05-31T00:00"),
        ("0 0 1 1 *", "2024-01-01T00:00", "2025-01-01T00:00"),
        ("59 23 31 12 *", "2024-12-31T23:58", "2024-12-31T23:59"),
        ("0 0 29 2 *", "2024-02-29T00:00", "2028-02-29T00:00"),
        ("0 0 29 2 *", "2096-02-29T00:00", "2104-02-29T00:00"),
        ("0 0 13 * fri", "2024-09-06T00:00", "2024-09-13T00:00"),
        ("0 0 30 2 mon", "2024-02-27T00:00", "2025-02-03T00:00"),
    ],
    ids=range(15),
)
def test_next(text, moment, expected):
    assert next_after(parse(text), at(moment)) == at(expected)


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("* * * * *", "2024-03-01T10:00", "2024-03-01T09:59"),
        ("* * * * *", "2024-03-01T10:00:00.000001", "2024-03-01T10:00"),
        ("0 12 * * *", "2024-03-01T12:00", "2024-02-29T12:00"),
        ("0 12 * * *", "2024-03-01T12:00:01", "2024-03-01T12:00"),
        ("*/15 9-17 * * *", "2024-03-01T09:00", "2024-02-29T17:45"),
        ("0 0 31 * *", "2024-05-31T00:00", "2024-03-31T00:00"),
        ("0 0 29 2 *", "2104-02-29T00:00", "2096-02-29T00:00"),
        ("0 0 1 1 *", "2024-01-01T00:00", "2023-01-01T00:00"),
    ],
    ids=range(8),
)
def test_previous(text, moment, expected):
    assert previous_before(parse(text), at(moment)) == at(expected)


@pytest.mark.parametrize("text", ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 31 4 *"], ids=range(3))
def test_dates_that_never_come(text):
    with pytest.raises(NeverError):
        next_after(parse(text), at("2024-01-01"))
    with pytest.raises(NeverError):
        previous_before(parse(text), at("2024-01-01"))


def test_end_and_beginning_of_time():
    with pytest.raises(NeverError):
        next_after(parse("0 0 * * *"), at("9999-12-31T00:00"))
    with pytest.raises(NeverError):
        previous_before(parse("0 0 * * *"), at("0001-01-01T00:00"))
    assert next_after(parse("* * * * *"), at("9999-12-31T23:58")) == at("9999-12-31T23:59")
    assert previous_before(parse("* * * * *"), at("0001-01-01T00:01")) == at("0001-01-01T00:00")


def test_there_and_back():
    expression = parse("7,37 */5 1-7,20 * tue,sat")
    moment = at("2024-01-01")
    for _ in range(200):
        following = next_after(expression, moment)
        assert following > moment
        assert expression.matches(following)
        assert (following.second, following.microsecond) == (0, 0)
        assert next_after(expression, following - timedelta(microseconds=1)) == following
        assert previous_before(expression, following + timedelta(microseconds=1)) == following
        if moment != at("2024-01-01"):
            assert previous_before(expression, following) == moment
        moment = following


def test_between_includes_start_and_excludes_end():
    found = between(parse("0 */6 * * *"), at("2024-03-01T06:00"), at("2024-03-02T00:00"))
    assert [moment.hour for moment in found] == [6, 12, 18]


def test_between_with_seconds():
    found = between(parse("* * * * *"), at("2024-03-01T06:00:01"), at("2024-03-01T06:02:01"))
    assert [moment.minute for moment in found] == [1, 2]


@pytest.mark.parametrize("end", ["2024-03-01T06:00", "2024-02-01T00:00"])
def test_between_nothing(end):
    assert list(between(parse("* * * * *"), at("2024-03-01T06:00"), at(end))) == []


def test_between_is_lazy():
    found = between(parse("* * * * *"), at("2024-03-01"), at("9999-12-31"))
    assert [moment.minute for moment in islice(found, 3)] == [0, 1, 2]


def test_between_ends_quietly():
    assert list(between(parse("0 0 30 2 *"), at("2024-01-01"), at("9999-01-01"))) == []
    assert list(between(parse("0 0 * * *"), at("9999-12-30T12:00"), at("9999-12-31T12:00"))) == [at("9999-12-31T00:00")]
# journeyman-canary-6b3ca0812810d0129344c78b7f100ff2
