"""Lines, and what they add up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from till.catalog import Catalog, Product
from till.discounts import Discount, NoDiscount
from till.money import ZERO, to_cents


@dataclass
class Line:
    product: Product
    quantity: int
    discount: Discount = field(default_factory=NoDiscount)

    @property
    def price(self) -> Decimal:
        return self.discount.line_price(self.product.price, self.quantity)


class Cart:
    """One line per product, in the order in which they were first added."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lines: dict[str, Line] = {}

    @property
    def lines(self) -> list[Line]:
        return list(self._lines.values())

    def add(self, sku: str, quantity: int = 1) -> None:
        """Add pieces of a product.

        Raises:
            KeyError: the catalog has no such product.
            ValueError: the quantity is below 1.
        """
        if quantity < 1:
            raise ValueError("quantity must be at least 1")
        if sku in self._lines:
            self._lines[sku].quantity += quantity
        else:
            self._lines[sku] = Line(self._catalog[sku], quantity)

    def remove(self, sku: str, quantity: int | None = None) -> None:
        """Take pieces out again; without a quantity, the whole line."""
        line = self._lines[sku]
        if quantity is None or quantity >= line.quantity:
            del self._lines[sku]
        else:
            line.quantity -= quantity

    def discount(self, sku: str, discount: Discount) -> None:
        """Set the discount of a line; it replaces the one before."""
        self._lines[sku].discount = discount

    @property
    def subtotal(self) -> Decimal:
        return sum((line.price for line in self._lines.values()), ZERO)

    @property
    def taxes(self) -> dict[Decimal, Decimal]:
        """Tax rate → tax, for the rates above zero, lowest first."""
        bases: dict[Decimal, Decimal] = {}
        for line in self._lines.values():
            bases[line.product.tax] = bases.get(line.product.tax, ZERO) + line.price
        return {rate: to_cents(bases[rate] * rate) for rate in sorted(bases) if rate > 0}

    @property
    def total(self) -> Decimal:
        return self.subtotal + sum(self.taxes.values(), ZERO)
