from datetime import date

import pytest

from lending.loans import Loan, LoanError, lend, renew
from lending.opening import Opening

OPENING = Opening(closed_weekdays={6}, holidays={date(2024, 12, 25)})


def test_due_on_a_closed_day_moves_to_the_next_open_one():
    loan = lend("atlas", on=date(2024, 12, 4), opening=OPENING)
    assert (loan.item, loan.lent, loan.due, loan.renewals) == ("atlas", date(2024, 12, 4), date(2024, 12, 26), 0)


def test_nothing_is_lent_on_a_closed_day():
    with pytest.raises(LoanError):
        lend("atlas", on=date(2024, 12, 22), opening=OPENING)


def test_late_from_the_day_after():
    loan = Loan("atlas", date(2024, 12, 4), due=date(2024, 12, 26))
    assert not loan.is_late(date(2024, 12, 26))
    assert loan.is_late(date(2024, 12, 27))


def test_renewed_twice_and_no_more():
    loan = lend("atlas", on=date(2024, 11, 30), opening=OPENING)
    once = renew(loan, on=loan.due, opening=OPENING)
    twice = renew(once, on=date(2024, 12, 23), opening=OPENING)
    assert (twice.lent, twice.due, twice.renewals) == (date(2024, 11, 30), date(2025, 2, 1), 2)
    with pytest.raises(LoanError):
        renew(twice, on=date(2025, 1, 10), opening=OPENING)


def test_a_renewed_loan_is_due_on_an_open_day():
    loan = Loan("atlas", date(2024, 11, 13), due=date(2024, 12, 4))
    assert renew(loan, on=date(2024, 12, 2), opening=OPENING).due == date(2024, 12, 26)
    with pytest.raises(LoanError):
        renew(loan, on=date(2024, 12, 5), opening=OPENING)
