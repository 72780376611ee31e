from datetime import date

import pytest

from lending.opening import Opening

OPENING = Opening(closed_weekdays={0, 6}, holidays={date(2024, 12, 25), date(2024, 12, 26)})


@pytest.mark.parametrize(("day", "expected"), [(22, False), (23, False), (24, True), (26, False), (27, True)])
def test_weekdays_and_holidays(day, expected):
    assert OPENING.is_open(date(2024, 12, day)) is expected


@pytest.mark.parametrize(("day", "expected"), [(21, 21), (22, 24), (23, 24), (25, 27)])
def test_next_open_day_after_several_closed_ones(day, expected):
    assert OPENING.next_open(date(2024, 12, day)) == date(2024, 12, expected)


@pytest.mark.parametrize(
    ("after", "until", "expected"), [(21, 22, 0), (21, 24, 1), (22, 24, 1), (24, 27, 1), (24, 24, 0), (27, 24, 0)]
)
def test_open_days_after_one_day_until_another(after, until, expected):
    assert OPENING.open_days(date(2024, 12, after), date(2024, 12, until)) == expected


def test_weekdays_are_checked():
    with pytest.raises(ValueError):
        Opening(closed_weekdays={1, 8})
    assert Opening(closed_weekdays={0, 1, 2, 3, 4, 5}).is_open(date(2024, 12, 22))
