import pytest

from csvscout import clean_name, unique_names


@pytest.mark.parametrize(
    ("text", "name"),
    [("Name", "name"), (" Unit price (EUR) ", "unit_price_eur"), ("", "column"), ("#", "column"), ("Größe", "größe")],
    ids=["plain", "words", "empty", "sign", "umlaut"],
)
def test_clean_name(text, name):
    assert clean_name(text) == name


def test_repeated_names_are_numbered():
    assert unique_names(["Cost", "cost", "Tip", "COST"]) == ["cost", "cost_2", "tip", "cost_3"]


def test_names_that_are_taken_are_avoided():
    assert unique_names(["Id", "City"], {"id"}) == ["id_2", "city"]
