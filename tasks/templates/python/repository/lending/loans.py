"""Loans and their renewal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from lending.opening import Opening

LASTS = timedelta(days=21)
MOST_RENEWALS = 2


class LoanError(ValueError):
    """A loan cannot be renewed."""


@dataclass(frozen=True)
class Loan:
    """One item in somebody's hands."""

    item: str
    lent: date
    due: date
    renewals: int = 0

    def is_late(self, day: date) -> bool:
        """Whether the item should have been back before a day."""
        return day > self.due


def lend(item: str, *, on: date, opening: Opening) -> Loan:
    """Lend an item on a day.

    Raises:
        LoanError: the library is closed on that day.
    """
    if not opening.is_open(on):
        raise LoanError(f"the library is closed on {on}")
    return Loan(item, on, opening.next_open(on + LASTS))


def renew(loan: Loan, *, on: date, opening: Opening) -> Loan:
    """The loan, renewed on a day.

    Raises:
        LoanError: it is late, or was renewed as often as it may be.
    """
    if loan.is_late(on):
        raise LoanError(f"{loan.item} was due on {loan.due}")
    if loan.renewals >= MOST_RENEWALS:
        raise LoanError(f"{loan.item} was renewed {MOST_RENEWALS} times already")
    return replace(loan, due=opening.next_open(loan.due + LASTS), renewals=loan.renewals + 1)
