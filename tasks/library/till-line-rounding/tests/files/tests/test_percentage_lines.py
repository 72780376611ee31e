from decimal import Decimal

import pytest

from till import BuyGetFree, Cart, Catalog, PercentOff, Product, render_receipt


def cart_of(price, quantity, percent, tax="0"):
    cart = Cart(Catalog([Product("X", "Thing", price, tax=tax)]))
    cart.add("X", quantity)
    cart.discount("X", PercentOff(percent))
    return cart


@pytest.mark.parametrize(
    ("price", "quantity", "percent", "expected"),
    [
        ("0.35", 10, 10, "3.15"),
        ("0.01", 100, 60, "0.40"),
        ("1.99", 3, 15, "5.07"),
        ("0.99", 7, "12.5", "6.06"),
        ("0.05", 3, 50, "0.08"),
        ("2.49", 2, 33, "3.34"),
    ],
)
def test_line_is_rounded_once(price, quantity, percent, expected):
    assert cart_of(price, quantity, percent).subtotal == Decimal(expected)


def test_half_a_cent_of_the_line_goes_up():
    assert cart_of("0.15", 1, 50).subtotal == Decimal("0.08")
    assert cart_of("0.15", 3, 50).subtotal == Decimal("0.23")


@pytest.mark.parametrize(("percent", "expected"), [(0, "1.05"), (100, "0.00")])
def test_ends_of_the_scale(percent, expected):
    assert cart_of("0.35", 3, percent).subtotal == Decimal(expected)


def test_price_is_in_whole_cents():
    [line] = cart_of("1.99", 3, 15).lines
    assert line.price.as_tuple().exponent == -2


def test_prices_below_a_cent_are_exact_until_the_line_ends():
    assert cart_of("0.004", 250, 50).subtotal == Decimal("0.50")


def test_tax_is_taken_from_the_rounded_line():
    cart = cart_of("0.35", 10, 10, tax="0.19")
    assert cart.taxes == {Decimal("0.19"): Decimal("0.60")}
    assert cart.total == Decimal("3.75")


def test_more_pieces_later_are_discounted_with_the_rest():
    cart = cart_of("0.35", 4, 10)
    cart.add("X", 6)
    assert cart.total == Decimal("3.15")


def test_other_discounts_stay_as_they_are():
    cart = cart_of("0.35", 3, 10)
    cart.discount("X", BuyGetFree(2, 1))
    assert cart.total == Decimal("0.70")


def test_receipt_adds_up():
    assert render_receipt(cart_of("0.35", 10, 10)).splitlines()[0] == "10 x Thing [-10%]                   3.15"
# journeyman-canary-aaedddbdf654f032b59dcae649368bf2
