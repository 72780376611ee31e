"""Exact decimals, and the one way in which they become cents."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def to_decimal(value: str | int | Decimal) -> Decimal:
    """Read an amount.

    Raises:
        TypeError: a float, which cannot hold most prices exactly.
        ValueError: not a finite number.
    """
    if isinstance(value, float):
        raise TypeError("amounts are written as text, such as '4.25', not as floats")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"not an amount: {value!r}") from None
    if not amount.is_finite():
        raise ValueError(f"not an amount: {value!r}")
    return amount


def to_cents(amount: Decimal) -> Decimal:
    """Round to the cent; half a cent goes up (away from zero)."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
