from coins import parse


def test_an_amount():
    assert parse("1.00 EUR") == (100, "EUR")
