import pytest

from coins import Overdrawn, Purse


@pytest.fixture
def purse(texts):
    made = Purse()
    for text in texts:
        made.put(text)
    return made


def test_balance(purse):
    assert purse.balance("EUR") == 125
    assert purse.balance("CHF") == 0
    purse.take("1.05 EUR")
    assert purse.balance("EUR") == 20


def test_currencies(purse):
    assert "USD" in purse
    assert "CHF" not in purse
    assert list(purse) == ["EUR", "USD"]


def test_overdrawn(purse):
    with pytest.raises(Overdrawn) as caught:
        purse.take("2.00 EUR")
    assert caught.value.missing == 75
    assert purse.balance("EUR") == 125
# journeyman-canary-coins
