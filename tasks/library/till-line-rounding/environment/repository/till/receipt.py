"""The printed form."""

from __future__ import annotations

from decimal import Decimal

from till.cart import Cart

WIDTH = 40


def _row(left: str, amount: Decimal) -> str:
    right = f"{amount:.2f}"
    return f"{left[: WIDTH - len(right) - 1]:<{WIDTH - len(right)}}{right}"


def render_receipt(cart: Cart) -> str:
    """A line per product, then the taxes and the total; every line is 40 characters wide."""
    rows = []
    for line in cart.lines:
        label = f"{line.quantity} x {line.product.title}"
        if line.discount.label:
            label += f" [{line.discount.label}]"
        rows.append(_row(label, line.price))
    rows.append("-" * WIDTH)
    rows += [_row(f"Tax {rate:.0%}", tax) for rate, tax in cart.taxes.items()]
    rows.append(_row("TOTAL", cart.total))
    return "\n".join(rows)
