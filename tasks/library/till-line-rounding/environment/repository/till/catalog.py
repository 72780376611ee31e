"""What the shop sells."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from till.money import to_decimal


class Product:
    """One article; `tax` is a rate such as "0.19", added on top of the price."""

    def __init__(self, sku: str, title: str, price: str | Decimal, *, tax: str | Decimal = "0") -> None:
        self.sku = sku
        self.title = title
        self.price = to_decimal(price)
        self.tax = to_decimal(tax)
        if self.price < 0 or self.tax < 0:
            raise ValueError(f"{sku}: price and tax must not be negative")

    def __repr__(self) -> str:
        return f"Product({self.sku!r}, {self.price})"


class Catalog:
    """Products by their number."""

    def __init__(self, products: Iterable[Product] = ()) -> None:
        self._products: dict[str, Product] = {}
        for product in products:
            self.add(product)

    def add(self, product: Product) -> None:
        if product.sku in self._products:
            raise ValueError(f"{product.sku} is in the catalog already")
        self._products[product.sku] = product

    def __getitem__(self, sku: str) -> Product:
        try:
            return self._products[sku]
        except KeyError:
            raise KeyError(f"no product {sku!r} in the catalog") from None
