from coins import each, normalise, share, total


def test_total(texts):
    assert total(texts) == {"EUR": 125, "USD": 250}
    assert total([]) == {}


def test_shares():
    assert share(100, 3) == [34, 33, 33]
    assert share(7, 7) == [1] * 7
    assert [sum(share(n, 4)) for n in range(20)] == list(range(20))


def test_each(texts):
    seen = []
    assert each(texts, lambda cents, currency: (seen.append(currency), cents * 2)[1]) == [200, 500, 50]
    assert seen == ["EUR", "USD", "EUR"]


def test_normalise():
    texts = ["01.00 EUR", "0.50 USD"]
    assert normalise(texts) is None
    assert texts == ["1.00 EUR", "0.50 USD"]
# journeyman-canary-coins
