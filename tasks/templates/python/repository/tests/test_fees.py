from datetime import date

from lending.fees import as_money, late_fee, owed
from lending.loans import Loan
from lending.opening import Opening

SUNDAYS = Opening(closed_weekdays={6})
LOAN = Loan("atlas", date(2024, 11, 30), due=date(2024, 12, 21))


def test_in_time_costs_nothing():
    assert late_fee(LOAN, returned=date(2024, 12, 21), opening=SUNDAYS) == 0


def test_each_day_costs_and_sundays_do_not():
    assert late_fee(LOAN, returned=date(2024, 12, 24), opening=SUNDAYS) == 50


def test_owed_for_several_items():
    assert owed([LOAN, LOAN], on=date(2024, 12, 23), opening=SUNDAYS) == 50


def test_cents_as_people_write_them():
    assert as_money(250) == "2.50"
