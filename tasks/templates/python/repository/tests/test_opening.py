from datetime import date

import pytest

from lending.opening import Opening

SUNDAYS = Opening(closed_weekdays={6}, holidays={date(2024, 12, 25)})


def test_closed_on_sundays_and_holidays():
    assert SUNDAYS.is_open(date(2024, 12, 21))
    assert not SUNDAYS.is_open(date(2024, 12, 22))
    assert not SUNDAYS.is_open(date(2024, 12, 25))


def test_the_next_open_day_may_be_the_day_itself():
    assert SUNDAYS.next_open(date(2024, 12, 21)) == date(2024, 12, 21)
    assert SUNDAYS.next_open(date(2024, 12, 22)) == date(2024, 12, 23)


def test_open_days_of_a_week():
    assert SUNDAYS.open_days(date(2024, 12, 14), date(2024, 12, 21)) == 6


@pytest.mark.parametrize("weekdays", [{7}, {-1}, {0, 1, 2, 3, 4, 5, 6}])
def test_weekdays_that_make_no_sense(weekdays):
    with pytest.raises(ValueError):
        Opening(closed_weekdays=weekdays)
