from datetime import date, datetime, timedelta

import pytest

from tickwork import Expression, ExpressionError, parse


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("*", range(60)),
        ("0", [0]),
        ("59", [59]),
        ("007", [7]),
        ("5,1,5", [1, 5]),
        ("10-13", [10, 11, 12, 13]),
        ("10-10", [10]),
        ("*/20", [0, 20, 40]),
        ("*/1", range(60)),
        ("*/60", [0]),
        ("10-20/4", [10, 14, 18]),
        ("10-20/99", [10]),
        ("50/3", [50, 53, 56, 59]),
        ("1,10-12,*/30", [0, 1, 10, 11, 12, 30]),
    ],
    ids=range(14),
)
def test_minutes(field, values):
    assert parse(f"{field} * * * *").minutes == frozenset(values)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("*", range(7)),
        ("7", [0]),
        ("0", [0]),
        ("5-7", [5, 6, 0]),
        ("sun-tue", [0, 1, 2]),
        ("MON,Wed,6", [1, 3, 6]),
        ("1/2", [1, 3, 5, 0]),
        ("2/2", [2, 4, 6]),
        ("*/2", [0, 2, 4, 6]),
        ("0-7", range(7)),
        ("fri-7/2", [5, 0]),
    ],
    ids=range(11),
)
def test_weekdays(field, values):
    assert parse(f"* * * * {field}").weekdays == frozenset(values)


def test_other_fields():
    expression = parse("0 9-17/4 */10 jan,MAR-may *")
    assert expression.hours == frozenset({9, 13, 17})
    assert expression.days == frozenset({1, 11, 21, 31})
    assert expression.months == frozenset({1, 3, 4, 5})


def test_full_ranges():
    expression = parse("* * * * *")
    assert expression.hours == frozenset(range(24))
    assert expression.days == frozenset(range(1, 32))
    assert expression.months == frozenset(range(1, 13))


@pytest.mark.parametrize(
    ("day", "weekday", "any_day", "any_weekday"),
    [("*", "*", True, True), ("*/1", "*", False, True), ("*", "0-6", True, False), ("1-31", "*/1", False, False), ("*,1", "*", False, True)],
    ids=range(5),
)
def test_stars(day, weekday, any_day, any_weekday):
    expression = parse(f"0 0 {day} * {weekday}")
    assert (expression.any_day, expression.any_weekday) == (any_day, any_weekday)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@Weekly", "0 0 * * 0"),
        (" @monthly\n", "0 0 1 * *"),
        ("@YEARLY", "0 0 1 1 *"),
        ("  0\t0  1 1 * ", "0 0 1 1 *"),
    ],
    ids=range(6),
)
def test_equal_expressions(short, long):
    assert parse(short) == parse(long)
    assert isinstance(parse(short), Expression)


@pytest.mark.parametrize("text", ["", "* * * *", "* * * * * *", "@never", "@daily *", "hourly"], ids=range(6))
def test_wrong_number_of_fields(text):
    with pytest.raises(ExpressionError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("60 * * * *", "minute"),
        ("-1 * * * *", "minute"),
        ("1, * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("5-3 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("*/x * * * *", "minute"),
        ("*/ * * * *", "minute"),
        ("1/-2 * * * *", "minute"),
        ("1-2-3 * * * *", "minute"),
        ("1/2/3 * * * *", "minute"),
        ("*-5 * * * *", "minute"),
        ("** * * * *", "minute"),
        ("\u0661 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* mon * * *", "hour"),
        ("* 1.5 * * *", "hour"),
        ("* * 0 * *", "day"),
        ("* * 32 * *", "day"),
        ("* * * 0 *", "month"),
        ("* * * 13 *", "month"),
        ("* * * january *", "month"),
        ("* * * * 8", "weekday"),
        ("* * * * sat-sun", "weekday"),
        ("* * * * 6-0", "weekday"),
    ],
    ids=range(25),
)
def test_errors_name_the_field(text, name):
    with pytest.raises(ExpressionError, match=rf"\b{name}\b"):
        parse(text)


def days(text, start=date(2024, 9, 1), count=30):
    expression = parse(text)
    return [day.day for day in (start + timedelta(n) for n in range(count)) if expression.matches_day(day)]


def test_day_or_weekday():
    assert days("0 0 13 * fri") == [6, 13, 20, 27]
    assert days("0 0 1,2 * 1") == [1, 2, 9, 16, 23, 30]


def test_day_and_star():
    assert days("0 0 13 * *") == [13]
    assert days("0 0 * * sun") == [1, 8, 15, 22, 29]


def test_full_field_without_star_counts_as_a_choice():
    assert days("0 0 1-31 * sun") == list(range(1, 31))
    assert days("0 0 13 * 0-6") == list(range(1, 31))


def test_month_always_counts():
    assert days("0 0 13 8 fri") == []
    assert days("0 0 * 9 *") == list(range(1, 31))


def test_sunday():
    assert parse("0 0 * * 7").matches_day(date(2024, 9, 1))
    assert not parse("0 0 * * 7").matches_day(date(2024, 9, 2))


def test_matches():
    expression = parse("30 2 * * mon")
    assert expression.matches(datetime(2024, 9, 2, 2, 30))
    assert expression.matches(datetime(2024, 9, 2, 2, 30, 59, 999))
    assert not expression.matches(datetime(2024, 9, 2, 2, 31))
    assert not expression.matches(datetime(2024, 9, 2, 3, 30))
    assert not expression.matches(datetime(2024, 9, 3, 2, 30))
# journeyman-canary-6b3ca0812810d0129344c78b7f100ff2
