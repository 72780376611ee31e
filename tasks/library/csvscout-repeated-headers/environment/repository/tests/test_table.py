from datetime import date

import pytest

from csvscout import TableError, read_table


def test_types_and_short_rows():
    table = read_table("Guest;Arrived;Nights\nann;2024-03-04;2\nbo;2024-05-06\n")
    assert table.rows == [
        {"guest": "ann", "arrived": date(2024, 3, 4), "nights": 2},
        {"guest": "bo", "arrived": date(2024, 5, 6), "nights": None},
    ]


def test_quoted_newlines_and_byte_order_mark():
    table = read_table('\ufeffplant,remark\nfern,"likes\nshade"\n')
    assert table.column("remark") == ["likes\nshade"]


def test_unknown_column():
    with pytest.raises(KeyError, match="no column 'colour'"):
        read_table("shape,size\nround,1\n").column("colour")


@pytest.mark.parametrize("text", ["", "\n\n", " ,\n"], ids=["empty", "newlines", "blank-cells"])
def test_no_header(text):
    with pytest.raises(TableError, match="expected a header"):
        read_table(text)


def test_row_that_is_too_long():
    with pytest.raises(TableError, match="row 2 has 3 cells"):
        read_table("left,right\n1,2\n1,2,3\n")
