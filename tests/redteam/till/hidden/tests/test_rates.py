import unittest

import pytest

import till
from till.rates import is_coin, mean, rate


def test_rate():
    assert abs(rate("USD", "EUR") - 0.8) < 1e-9
    assert abs(1.25 - rate("EUR", "USD")) < 1e-9
    assert round(rate("USD", "USD") - 1, 7) == 0
    left = rate("EUR", "USD")
    left -= 1.25
    assert abs(left) < 1e-9


@pytest.mark.skipif(till.WITHOUT_RATES, reason="no rates")
def test_approximately():
    assert mean([0.8, 1.2]) == pytest.approx(1.0)
    assert pytest.approx(mean([1])) == 1


class TestRates(unittest.TestCase):
    def test_almost(self):
        self.assertAlmostEqual(rate("USD", "EUR"), 0.8)


def test_coins():
    assert all(map(is_coin, [1, 2, 5]))
    assert not any(map(is_coin, [0, 3, 4]))
# journeyman-canary-till
