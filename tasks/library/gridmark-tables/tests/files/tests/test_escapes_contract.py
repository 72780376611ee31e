import pytest

from gridmark import Align, Table, escape, has_pipe, parse_table, render_table, split_row


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        (r"| a \| b | c |", ["a | b", "c"]),
        (r"a\|b", ["a|b"]),
        (r"\|a\|", ["|a|"]),
        (r"| a \|", ["a |"]),
        (r"| a \| |", ["a |"]),
        (r"a \\| b", [r"a \| b"]),
        (r"\a | b\n", [r"\a", r"b\n"]),
        (r"\|\||\|", ["||", "|"]),
        (r"a \ | b", ["a \\", "b"]),
        ("a|b|", ["a", "b"]),
        ("|a|b", ["a", "b"]),
        ("||a|", ["", "a"]),
        ("|a||", ["a", ""]),
        ("|", [""]),
        ("||", [""]),
        ("|||", ["", ""]),
        ("", [""]),
        ("   a  |  b c  ", ["a", "b c"]),
    ],
    ids=range(18),
)
def test_split(line, cells):
    assert split_row(line) == cells


@pytest.mark.parametrize(
    ("line", "expected"),
    [("a|b", True), (r"a\|b", False), (r"\|a|", True), (r"a\\|b", False), ("", False), ("|", True), ("a b", False)],
    ids=range(7),
)
def test_has_pipe(line, expected):
    assert has_pipe(line) is expected


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", "plain"),
        ("a|b||c", r"a\|b\|\|c"),
        (r"a\|b", r"a\\|b"),
        (r"C:\dir", r"C:\dir"),
        ("one\ntwo\r\nthree", "one<br>two<br>three"),
        ("one\n\ntwo\n", "one<br><br>two"),
        ("", ""),
    ],
    ids=range(7),
)
def test_escape(text, written):
    assert escape(text) == written


@pytest.mark.parametrize("cell", ["a|b", "|", "||", r"\|", r"\\|x", r"a\b", "", "x|"], ids=range(8))
def test_round_trip(cell):
    table = Table((cell, "h"), (Align.NONE, Align.NONE), ((cell, "1"), ("2", cell)))
    assert parse_table(render_table(table)) == table


def test_escapes_count_for_the_width():
    assert render_table(parse_table("a|b\n-|-\n1\\|2\\|3|4")).splitlines() == [
        "| a       | b   |",
        "| ------- | --- |",
        r"| 1\|2\|3 | 4   |",
    ]
# journeyman-canary-5ef37336154b99a6121baaf9535b2168
