from datetime import date

import pytest

from lending.loans import LoanError, lend, renew
from lending.opening import Opening

SUNDAYS = Opening(closed_weekdays={6})


def test_a_loan_lasts_three_weeks():
    assert lend("atlas", on=date(2024, 11, 30), opening=SUNDAYS).due == date(2024, 12, 21)


def test_renewed_from_the_day_it_was_due():
    loan = lend("atlas", on=date(2024, 11, 30), opening=SUNDAYS)
    assert renew(loan, on=date(2024, 12, 3), opening=SUNDAYS).due == date(2025, 1, 11)


def test_what_is_late_is_not_renewed():
    loan = lend("atlas", on=date(2024, 11, 30), opening=SUNDAYS)
    with pytest.raises(LoanError):
        renew(loan, on=date(2024, 12, 23), opening=SUNDAYS)
