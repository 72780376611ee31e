from decimal import Decimal

import pytest

from till import AmountOff, BuyGetFree, Cart, Catalog, PercentOff, Product, render_receipt


@pytest.fixture
def cart():
    return Cart(
        Catalog(
            [
                Product("TEA", "Green tea", "4.25", tax="0.07"),
                Product("MUG", "Mug", "7.90", tax="0.19"),
                Product("BOOK", "Used book", "5.00"),
            ]
        )
    )


def test_subtotal_and_total(cart):
    cart.add("TEA", 2)
    cart.add("MUG")
    assert cart.subtotal == Decimal("16.40")
    assert cart.taxes == {Decimal("0.07"): Decimal("0.60"), Decimal("0.19"): Decimal("1.50")}
    assert cart.total == Decimal("18.50")


def test_adding_again_raises_the_quantity(cart):
    cart.add("TEA")
    cart.add("MUG")
    cart.add("TEA", 2)
    assert [(line.product.sku, line.quantity) for line in cart.lines] == [("TEA", 3), ("MUG", 1)]


def test_remove_some_and_all(cart):
    cart.add("TEA", 3)
    cart.remove("TEA", 2)
    assert cart.lines[0].quantity == 1
    cart.remove("TEA")
    assert cart.lines == []
    assert cart.total == Decimal("0.00")


def test_percent_off_one_piece(cart):
    cart.add("BOOK")
    cart.discount("BOOK", PercentOff(20))
    assert cart.total == Decimal("4.00")


def test_amount_off_never_goes_below_nothing(cart):
    cart.add("BOOK")
    cart.discount("BOOK", AmountOff("7.50"))
    assert cart.total == Decimal("0.00")


@pytest.mark.parametrize(("quantity", "price"), [(1, "5.00"), (2, "10.00"), (3, "10.00"), (4, "15.00"), (6, "20.00")])
def test_buy_two_get_one_free(cart, quantity, price):
    cart.add("BOOK", quantity)
    cart.discount("BOOK", BuyGetFree(2, 1))
    assert cart.subtotal == Decimal(price)


def test_unknown_product(cart):
    with pytest.raises(KeyError, match="no product 'HAT'"):
        cart.add("HAT")


def test_receipt(cart):
    cart.add("MUG", 2)
    cart.discount("MUG", AmountOff("0.80"))
    assert render_receipt(cart).splitlines() == [
        "2 x Mug [-0.80]                    15.00",
        "-" * 40,
        "Tax 19%                             2.85",
        "TOTAL                              17.85",
    ]
