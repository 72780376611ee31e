import copy

import pytest

from gridmark import Align, ColumnError, Table, align_numbers, select, sort_by


def table_of(*cells, align=Align.NONE):
    """A column of these cells beside one that numbers the rows."""
    return Table(("value", "row"), (align, Align.LEFT), tuple((cell, str(n)) for n, cell in enumerate(cells)))


def order(table):
    return [int(row[1]) for row in table.rows]


PEOPLE = Table(("name", "age", "city"), (Align.LEFT, Align.RIGHT, Align.NONE), (("ann", "9", "Bonn"), ("bo", "10", "Ulm")))


def test_select():
    assert select(PEOPLE, ["city", "name"]) == Table(("city", "name"), (Align.NONE, Align.LEFT), (("Bonn", "ann"), ("Ulm", "bo")))


def test_select_twice_and_from_a_generator():
    assert select(PEOPLE, (name for name in ["age", "age"])).rows == (("9", "9"), ("10", "10"))


def test_select_nothing():
    assert select(PEOPLE, []) == Table((), (), ((), ()))


@pytest.mark.parametrize("name", ["Name", "", "name ", "country"], ids=range(4))
def test_unknown_column(name):
    with pytest.raises(ColumnError):
        select(PEOPLE, [name])
    with pytest.raises(ColumnError):
        sort_by(PEOPLE, name)


def test_ambiguous_column():
    twice = Table(("a", "a", "b"), (Align.NONE,) * 3, (("1", "2", "3"),))
    with pytest.raises(ColumnError):
        select(twice, ["a"])
    with pytest.raises(ColumnError):
        sort_by(twice, "a")
    assert select(twice, ["b"]).rows == (("3",),)


def test_numbers_by_value():
    assert order(sort_by(table_of("10", "9", "-1,000", "+3.50", "1,234.5", "12%"), "value")) == [2, 3, 1, 0, 5, 4]


def test_exact_value():
    assert order(sort_by(table_of("0.1000000000000000001", "0.1", "10000000000000001", "10000000000000000"), "value")) == [1, 0, 3, 2]


def test_numbers_then_texts_then_empty():
    assert order(sort_by(table_of("b", "", "A", "2", "", "10"), "value")) == [3, 5, 2, 0, 1, 4]


def test_reverse():
    assert order(sort_by(table_of("b", "", "A", "2", "", "10"), "value", reverse=True)) == [0, 2, 5, 3, 1, 4]


def test_equal_rows_keep_their_order():
    cells = ["b", "B", "1.0", "1", "b", "1%", ""]
    assert order(sort_by(table_of(*cells), "value")) == [2, 3, 5, 0, 1, 4, 6]
    assert order(sort_by(table_of(*cells), "value", reverse=True)) == [0, 1, 4, 2, 3, 5, 6]


def test_case_is_folded():
    assert order(sort_by(table_of("Straße", "strasse", "STRASSF", "strassa"), "value")) == [3, 0, 1, 2]


def test_what_is_no_number_is_a_text():
    assert order(sort_by(table_of("1e5", "5", "1,23", ".5", "1.", "5 %", "12,345,67"), "value")) == [1, 3, 2, 4, 6, 0, 5]


def test_sorting_keeps_header_and_alignment():
    result = sort_by(PEOPLE, "age", reverse=True)
    assert (result.header, result.aligns) == (PEOPLE.header, PEOPLE.aligns)
    assert result.rows == (("bo", "10", "Ulm"), ("ann", "9", "Bonn"))


NUMBERS = ["7", "-1,234.50", "12%", "007", "+0.5", "1234", "1,234,567"]
TEXTS = ["1,23", "1.", ".5", "1e5", "5 %", "--1", "1,2345", "\u0667", "1234,567", "%", "-"]


@pytest.mark.parametrize("cell", NUMBERS, ids=range(len(NUMBERS)))
def test_numbers_are_aligned(cell):
    assert align_numbers(table_of(cell, "", "1")).aligns == (Align.RIGHT, Align.LEFT)


@pytest.mark.parametrize("cell", TEXTS, ids=range(len(TEXTS)))
def test_texts_are_not(cell):
    assert align_numbers(table_of("1", cell)).aligns == (Align.NONE, Align.LEFT)


def test_columns_without_cells_stay():
    assert align_numbers(table_of()).aligns == (Align.NONE, Align.LEFT)
    assert align_numbers(table_of("", "")).aligns == (Align.NONE, Align.LEFT)


@pytest.mark.parametrize("align", [Align.LEFT, Align.CENTER, Align.RIGHT], ids=["left", "center", "right"])
def test_alignment_that_is_set_stays(align):
    assert align_numbers(table_of("1", align=align)).aligns == (align, Align.LEFT)


def test_tables_are_left_alone():
    table = table_of("2", "1")
    before = copy.deepcopy(table)
    sort_by(table, "value")
    align_numbers(table)
    select(table, ["row"])
    assert table == before
# journeyman-canary-5ef37336154b99a6121baaf9535b2168
