from datetime import date

import pytest

from lending.fees import late_fee, owed
from lending.loans import Loan
from lending.opening import Opening

OPENING = Opening(closed_weekdays={0, 6}, holidays={date(2024, 12, 25), date(2024, 12, 26)})
LOAN = Loan("atlas", date(2024, 11, 30), due=date(2024, 12, 21))
"""Due on a Saturday."""


@pytest.mark.parametrize(
    ("returned", "fee"),
    [
        (date(2024, 12, 22), 0),
        (date(2024, 12, 23), 0),
        (date(2024, 12, 25), 25),
        (date(2024, 12, 26), 25),
        (date(2024, 12, 29), 75),
    ],
    ids=str,
)
def test_dropped_in_on_a_closed_day(returned, fee):
    assert late_fee(LOAN, returned=returned, opening=OPENING) == fee


@pytest.mark.parametrize(
    ("returned", "fee"),
    [(date(2024, 12, 20), 0), (date(2024, 12, 21), 0), (date(2024, 12, 24), 25), (date(2024, 12, 27), 50)],
    ids=str,
)
def test_handed_in_on_an_open_day(returned, fee):
    assert late_fee(LOAN, returned=returned, opening=OPENING) == fee


def test_the_highest_fee_stays():
    assert late_fee(LOAN, returned=date(2025, 6, 1), opening=OPENING) == 1000


def test_several_items_in_the_box():
    other = Loan("globe", date(2024, 12, 3), due=date(2024, 12, 24))
    assert owed([LOAN, other], on=date(2024, 12, 25), opening=OPENING) == 25


def test_open_days_between_closed_ones():
    always = Opening()
    assert OPENING.open_days(date(2024, 12, 22), date(2024, 12, 24)) == 1
    assert always.open_days(date(2024, 12, 22), date(2024, 12, 24)) == 2
    assert always.open_days(date(2024, 12, 24), date(2024, 12, 22)) == 0
