"""What is still missing, in one example each. These pass when the work is done."""

from gridmark import Align, align_numbers, display_width, format_document, parse_table, select, sort_by, split_row


def test_escaped_pipe():
    assert split_row(r"| a \| b | c |") == ["a | b", "c"]


def test_alignment():
    assert parse_table("a|b\n:-|-:").aligns == (Align.LEFT, Align.RIGHT)


def test_wide_characters():
    assert display_width("日本") == 4


def test_columns():
    table = parse_table("name|age\n-|-\nann|9\nbo|10")
    assert sort_by(table, "age", reverse=True).rows == (("bo", "10"), ("ann", "9"))
    assert select(table, ["age"]).header == ("age",)
    assert align_numbers(table).aligns == (Align.NONE, Align.RIGHT)


def test_document():
    assert format_document("Text\n\na|b\n-|-\n1|2\n\nMore\n") == (
        "Text\n\n| a   | b   |\n| --- | --- |\n| 1   | 2   |\n\nMore\n"
    )
