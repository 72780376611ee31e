"""What a line is worth after its discount. A line never costs less than nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from till.money import ZERO, to_cents, to_decimal


class Discount(Protocol):
    label: str

    def line_price(self, unit_price: Decimal, quantity: int) -> Decimal:
        """The line's price in whole cents."""
        ...


class NoDiscount:
    label = ""

    def line_price(self, unit_price: Decimal, quantity: int) -> Decimal:
        return to_cents(unit_price * quantity)


class PercentOff:
    """So many percent off the line."""

    def __init__(self, percent: str | int | Decimal) -> None:
        self.percent = to_decimal(percent)
        if not 0 <= self.percent <= 100:
            raise ValueError("a percentage lies between 0 and 100")
        self.label = f"-{self.percent}%"

    def line_price(self, unit_price: Decimal, quantity: int) -> Decimal:
        return to_cents(unit_price * (100 - self.percent) / 100) * quantity


class AmountOff:
    """So much off the whole line, whatever its quantity."""

    def __init__(self, amount: str | Decimal) -> None:
        self.amount = to_decimal(amount)
        if self.amount < 0:
            raise ValueError("a discount must not be negative")
        self.label = f"-{self.amount}"

    def line_price(self, unit_price: Decimal, quantity: int) -> Decimal:
        return max(to_cents(unit_price * quantity - self.amount), ZERO)


class BuyGetFree:
    """Of every `buy` + `free` pieces, `free` cost nothing."""

    def __init__(self, buy: int, free: int) -> None:
        if buy < 1 or free < 1:
            raise ValueError("buy and free must be at least 1")
        self.buy = buy
        self.free = free
        self.label = f"{buy}+{free} free"

    def line_price(self, unit_price: Decimal, quantity: int) -> Decimal:
        rounds, rest = divmod(quantity, self.buy + self.free)
        paid = rounds * self.buy + min(rest, self.buy)
        return to_cents(unit_price * paid)
