"""What late items cost, in cents."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from lending.loans import Loan
from lending.opening import Opening

CENTS_A_DAY = 25
HIGHEST = 1000


def late_fee(loan: Loan, *, returned: date, opening: Opening) -> int:
    """The fee for an item that came back on a day; 0 when it was not late."""
    return min(CENTS_A_DAY * opening.open_days(loan.due, returned), HIGHEST)


def owed(loans: Iterable[Loan], *, on: date, opening: Opening) -> int:
    """What somebody would pay for all items, were they brought back on a day."""
    return sum(late_fee(loan, returned=on, opening=opening) for loan in loans)


def as_money(cents: int) -> str:
    """Cents as people write them, such as 2.50."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02}"
