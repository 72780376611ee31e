import pytest

from gridmark import display_width, parse_table, render_table


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("naïve", 5),
        ("nai\u0308ve", 5),
        ("日本", 4),
        ("Ａ", 2),
        ("ｱ", 1),
        ("한글", 4),
        ("e\u0301", 1),
        ("a\u20dd", 1),
        ("\u200b\u200d\ufeff", 0),
        ("\u00ad", 0),
        ("\x00\x1b", 0),
        ("±§", 2),
        ("🙂", 2),
        ("か\u3099", 2),
        ("я ñ", 3),
    ],
    ids=range(17),
)
def test_display_width(text, width):
    assert display_width(text) == width


def test_wide_table_lines_up():
    assert render_table(parse_table("名前|n\n-|-\nann|1\n田中さん|2")).splitlines() == [
        "| 名前     | n   |",
        "| -------- | --- |",
        "| ann      | 1   |",
        "| 田中さん | 2   |",
    ]


def test_combining_marks_take_no_room():
    lines = render_table(parse_table("word|n\n-|-\ncafe\u0301s|1\ncafes|2")).splitlines()
    assert lines[2] == "| cafe\u0301s | 1   |"
    assert lines[3] == "| cafes | 2   |"
# journeyman-canary-5ef37336154b99a6121baaf9535b2168
