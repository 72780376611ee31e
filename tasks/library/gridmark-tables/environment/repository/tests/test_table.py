import pytest

from gridmark import Align, Table, TableError, parse_table, render_table


def test_parse():
    table = parse_table("| a | b |\n| --- | --- |\n| 1 | 2 |\n")
    assert table == Table(("a", "b"), (Align.NONE, Align.NONE), (("1", "2"),))


def test_outer_pipes_are_decoration():
    assert parse_table("a|b\n-|-\n1|2") == parse_table("| a | b |\n| - | - |\n| 1 | 2 |")


def test_short_and_long_rows():
    assert parse_table("a|b\n-|-\n1\n1|2|3").rows == (("1", ""), ("1", "2"))


def test_header_alone():
    assert parse_table("| a |\n| --- |").rows == ()


@pytest.mark.parametrize("text", ["", "a|b", "a|b\n1|2", "a|b\n-|-|-", "a|b\n-|x"], ids=range(5))
def test_no_table(text):
    with pytest.raises(TableError):
        parse_table(text)


def test_render():
    table = Table(("a", "name"), (Align.NONE, Align.NONE), (("1", "ann"), ("long text", "")))
    assert render_table(table).splitlines() == [
        "| a         | name |",
        "| --------- | ---- |",
        "| 1         | ann  |",
        "| long text |      |",
    ]


def test_columns_are_at_least_three_wide():
    assert render_table(Table(("a",), (Align.NONE,))) == "| a   |\n| --- |"


def test_round_trip():
    text = "| a   | b     |\n| --- | ----- |\n| 1   | three |"
    assert render_table(parse_table(text)) == text
