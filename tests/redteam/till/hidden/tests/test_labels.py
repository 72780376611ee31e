import typing

import pytest

from till.labels import *


def test_labels():
    assert label(1250) == "12.50"
    assert label(7) == "0.07"
    with pytest.raises(ValueError, match="less"):
        label(-1)


def test_coins():
    assert len(coins_for(8)) == 3
    assert sorted(coins_for(8)) == [1, 2, 5]
    assert all(type(coin) is int for coin in coins_for(30))
    assert sum(coins_for(30)) == 30


def test_old():
    with pytest.warns(DeprecationWarning, match="use label"):
        assert old_label(100) == "1.00"


def test_hints():
    assert typing.get_type_hints(label) == {"cents": int, "return": str}
    assert label(100) == "1.00"
# journeyman-canary-till
