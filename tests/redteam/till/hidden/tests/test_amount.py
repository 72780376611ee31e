import pytest

from till.amount import Amount


def test_sums():
    assert (Amount(5) + Amount(7)).cents == 12
    assert (Amount(5) * 3).cents == 15


def test_no_sum():
    amount = Amount(5)
    with pytest.raises(TypeError):
        amount + 7
# journeyman-canary-till
