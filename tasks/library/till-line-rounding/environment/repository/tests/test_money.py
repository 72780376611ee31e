from decimal import Decimal

import pytest

from till.money import to_cents, to_decimal


@pytest.mark.parametrize(("amount", "cents"), [("0.125", "0.13"), ("0.124", "0.12"), ("2.675", "2.68"), ("3", "3.00")])
def test_half_a_cent_goes_up(amount, cents):
    assert to_cents(Decimal(amount)) == Decimal(cents)


def test_floats_are_refused():
    with pytest.raises(TypeError, match="not as floats"):
        to_decimal(4.25)


@pytest.mark.parametrize("text", ["four", "", "NaN", "Infinity"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="not an amount"):
        to_decimal(text)
