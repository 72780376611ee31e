import pytest

from gridmark import Align, parse_table, render_table
from gridmark.align import pad, parse_separator, separator


def test_parse_separator():
    cells = ["-", ":-", ":-:", "-:", "-----", ":----", ":---:", "----:"]
    expected = [Align.NONE, Align.LEFT, Align.CENTER, Align.RIGHT]
    assert parse_separator(cells) == expected * 2


@pytest.mark.parametrize("cell", ["", ":", "::", "- -", "--:-", "=", "-:-:", ": -", "—"], ids=range(9))
def test_what_is_no_separator(cell):
    assert parse_separator([cell]) is None
    assert parse_separator(["---", cell]) is None


@pytest.mark.parametrize(
    ("align", "three", "five"),
    [
        (Align.NONE, "---", "-----"),
        (Align.LEFT, ":--", ":----"),
        (Align.CENTER, ":-:", ":---:"),
        (Align.RIGHT, "--:", "----:"),
    ],
    ids=["none", "left", "center", "right"],
)
def test_separator(align, three, five):
    assert separator(align, 3) == three
    assert separator(align, 5) == five
    assert parse_separator([three, five]) == [align, align]


@pytest.mark.parametrize(
    ("align", "padded"),
    [(Align.NONE, "ab   "), (Align.LEFT, "ab   "), (Align.CENTER, " ab  "), (Align.RIGHT, "   ab")],
    ids=["none", "left", "center", "right"],
)
def test_pad(align, padded):
    assert pad("ab", 5, align) == padded
    assert pad("ab", 2, align) == "ab"
    assert pad("abc", 2, align) == "abc"


def test_center_with_an_even_rest():
    assert pad("ab", 6, Align.CENTER) == "  ab  "


def test_empty_text():
    assert pad("", 3, Align.CENTER) == pad("", 3, Align.RIGHT) == "   "


TEXT = """\
| left | middle | right | any  |
| :--- | :----: | ----: | ---- |
| a    |   b    |     c | d    |
| aa   |   bb   |    cc | dd   |
|      | middle |       | long |"""


def test_render():
    squeezed = "\n".join(line.replace(" ", "") for line in TEXT.splitlines())
    assert render_table(parse_table(squeezed)) == TEXT


def test_round_trip():
    table = parse_table(TEXT)
    assert table.aligns == (Align.LEFT, Align.CENTER, Align.RIGHT, Align.NONE)
    assert render_table(table) == TEXT
# journeyman-canary-5ef37336154b99a6121baaf9535b2168
