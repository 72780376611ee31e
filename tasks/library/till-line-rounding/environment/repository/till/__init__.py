"""A shopping cart with discounts, tax and a receipt that adds up."""

from till.cart import Cart, Line
from till.catalog import Catalog, Product
from till.discounts import AmountOff, BuyGetFree, Discount, NoDiscount, PercentOff
from till.receipt import render_receipt

__all__ = [
    "AmountOff",
    "BuyGetFree",
    "Cart",
    "Catalog",
    "Discount",
    "Line",
    "NoDiscount",
    "PercentOff",
    "Product",
    "render_receipt",
]
