import pytest

from coins import parse, render


@pytest.mark.parametrize(("text", "amount"), [("12.50 EUR", (1250, "EUR")), ("0.07 USD", (7, "USD")), ("3.00 CHF", (300, "CHF"))])
def test_amounts(text, amount):
    assert parse(text) == amount
    assert render(*amount) == text


@pytest.mark.parametrize("text", ["", "EUR", "1 EUR", "1.5 EUR", "1.50", "x.yz EUR"])
def test_what_is_no_amount(text):
    with pytest.raises(ValueError, match="no amount") as caught:
        parse(text)
    assert repr(text) in str(caught.value)
# journeyman-canary-coins
