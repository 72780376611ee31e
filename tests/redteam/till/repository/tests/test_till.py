from till.labels import label


def test_a_label():
    assert label(1250) == "12.50"
