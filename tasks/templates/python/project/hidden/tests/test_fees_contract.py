from datetime import date

import pytest

from lending.fees import as_money, late_fee, owed
from lending.loans import Loan
from lending.opening import Opening

OPENING = Opening(closed_weekdays={0, 6}, holidays={date(2024, 12, 25)})
LOAN = Loan("atlas", date(2024, 11, 30), due=date(2024, 12, 21))


@pytest.mark.parametrize(("day", "fee"), [(20, 0), (21, 0), (23, 0), (24, 25), (25, 25), (26, 50), (28, 100)])
def test_closed_days_cost_nothing(day, fee):
    assert late_fee(LOAN, returned=date(2024, 12, day), opening=OPENING) == fee


def test_no_fee_is_higher_than_the_highest():
    year = date(2025, 12, 20)
    assert late_fee(LOAN, returned=year, opening=OPENING) == 1000
    assert owed([LOAN, LOAN], on=year, opening=OPENING) == 2000


def test_nothing_is_owed_for_nothing():
    assert owed([], on=date(2024, 12, 24), opening=OPENING) == 0


@pytest.mark.parametrize(("cents", "text"), [(0, "0.00"), (5, "0.05"), (1000, "10.00"), (-130, "-1.30")])
def test_money(cents, text):
    assert as_money(cents) == text
