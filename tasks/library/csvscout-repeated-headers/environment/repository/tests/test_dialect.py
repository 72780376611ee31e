import pytest

from csvscout import guess_delimiter


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
def test_each_delimiter(delimiter):
    assert guess_delimiter(f"a{delimiter}b{delimiter}c\n1{delimiter}2{delimiter}3\n") == delimiter


def test_decimal_commas_do_not_mislead():
    assert guess_delimiter("name;price;note\ntea;4,25;\nmug;7,90;blue, large\n") == ";"


def test_delimiters_in_quotes_do_not_count():
    assert guess_delimiter('"a;b;c",1\n"d;e;f",2\n') == ","


def test_one_column_falls_back_to_a_comma():
    assert guess_delimiter("name\nann\n") == ","
    assert guess_delimiter("") == ","
