import pytest

from gridmark import format_document

UGLY = "a|b\n:-|-:\n1|2\n"
NEAT = "| a   |   b |\n| :-- | --: |\n| 1   |   2 |\n"


def test_table_alone():
    assert format_document(UGLY) == NEAT


def test_text_around_stays():
    text = "# Title  \n\n  Some *text* | with a pipe \n\n{}\n\tafter\n\n\n"
    assert format_document(text.format(UGLY)) == text.format(NEAT)


def test_several_tables():
    assert format_document(f"{UGLY}\n{UGLY}between\n\n{UGLY}") == f"{NEAT}\n{NEAT}between\n\n{NEAT}"


def test_no_tables():
    text = "no | table\n\n---\n\n* a | b\n* c | d\n"
    assert format_document(text) == text
    assert format_document("") == ""


def test_header_right_below_text():
    assert format_document(f"intro\n{UGLY}") == f"intro\n{NEAT}"
    assert format_document(f"x | y\nz | w\n{UGLY}") == f"x | y\nz | w\n{NEAT}"


def test_table_ends_at_a_line_without_a_separating_pipe():
    assert format_document(f"{UGLY}end\n3|4\n") == f"{NEAT}end\n3|4\n"
    assert format_document(f"{UGLY}e\\|nd\n3|4\n") == f"{NEAT}e\\|nd\n3|4\n"


@pytest.mark.parametrize(
    "text",
    ["a|b\n-|-|-\n1|2\n", "a\n-\n1\n", "a|b\n\n-|-\n", "a|b\n-|x\n", "a\\|b\n-|-\n", "|a\n---\n", "> a|b\n> -|-\n", "a|b"],
    ids=range(8),
)
def test_what_is_no_table(text):
    assert format_document(text) == text


def test_header_alone():
    assert format_document("|a|\n|-|\n") == "| a   |\n| --- |\n"


def test_short_and_long_rows():
    assert format_document("a|b\n-|-\n1|\n1|2|3\n") == "| a   | b   |\n| --- | --- |\n| 1   |     |\n| 1   | 2   |\n"


def test_second_separator_is_a_row():
    assert format_document("a|b\n-|-\n-|-\n") == "| a   | b   |\n| --- | --- |\n| -   | -   |\n"


def test_escapes_and_wide_characters():
    assert format_document("a|b\n-|-\n1\\|2|日本\n") == "| a    | b    |\n| ---- | ---- |\n| 1\\|2 | 日本 |\n"


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("```", "```"), ("~~~", "~~~"), ("`````", "`````"), ("   ```", "```"), ("```md", "```"), ("~~~ a `b`", "~~~")],
    ids=range(6),
)
def test_code_is_left_alone(opening, closing):
    text = f"{opening}\n{UGLY}{closing}\n"
    assert format_document(text + "\n" + UGLY) == text + "\n" + NEAT


def test_closing_line():
    for close in ("``", "~~~", "``` x", "    ```"):
        text = f"```\n{UGLY}{close}\n{UGLY}"
        assert format_document(text) == text
    for close in ("```", "`````", "   ```  ", "```\t"):
        text = f"```\n{UGLY}{close}\n"
        assert format_document(text + UGLY) == text + NEAT


def test_empty_block():
    for text in ("```\n```\n", "~~~\n\n~~~\n", "```\n````\n"):
        assert format_document(text + UGLY) == text + NEAT


def test_longer_fence_needs_a_longer_close():
    text = f"~~~~\n~~~\n{UGLY}~~~~~\n"
    assert format_document(text + UGLY) == text + NEAT


def test_block_that_is_never_closed():
    text = f"{{}}\n~~~\n{UGLY}"
    assert format_document(text.format(UGLY)) == text.format(NEAT)


def test_backticks_in_a_line_open_nothing():
    for line in ("```x``` y", "``", "    ```", "text ```"):
        assert format_document(f"{line}\n\n{UGLY}") == f"{line}\n\n{NEAT}"


def test_fence_ends_a_table():
    text = f"{{}}```a|b\n{UGLY}```\n"
    assert format_document(text.format(UGLY)) == text.format(NEAT)


@pytest.mark.parametrize("indent", ["", " ", "   "], ids=range(3))
def test_indentation_of_the_header_is_kept(indent):
    indented = "".join(indent + line for line in NEAT.splitlines(keepends=True))
    assert format_document(f"{indent}a|b\n:-|-:\n  1|2\n") == indented


@pytest.mark.parametrize("indent", ["    ", "\t", "  \t", "     "], ids=range(4))
def test_indented_code_is_left_alone(indent):
    text = "".join(indent + line for line in UGLY.splitlines(keepends=True))
    assert format_document(text) == text


def test_deeply_indented_line_ends_a_table():
    assert format_document(f"{UGLY}    3|4\n") == f"{NEAT}    3|4\n"


@pytest.mark.parametrize("ending", ["\r\n", "\r"], ids=["crlf", "cr"])
def test_line_endings(ending):
    text = f"before\n\n{UGLY}\nafter\n".replace("\n", ending)
    assert format_document(text) == f"before\n\n{NEAT}\nafter\n".replace("\n", ending)


def test_ending_of_the_header_counts():
    assert format_document("a|b\r\n:-|-:\n1|2\r") == NEAT.replace("\n", "\r\n")


def test_no_ending_at_the_end():
    assert format_document(UGLY[:-1]) == NEAT[:-1]
    assert format_document("x\n" + UGLY[:-1]) == "x\n" + NEAT[:-1]


def test_other_separators_of_lines_are_text():
    text = "a\x0cb\u2028c\x85d\n"
    assert format_document(text + "\n" + UGLY) == text + "\n" + NEAT
    assert format_document("a|b\n-|-\n1\u20282|3\n") == "| a      | b   |\n| ------ | --- |\n| 1<br>2 | 3   |\n"


def test_twice_changes_nothing_more():
    text = f"intro | x\n{UGLY}\n```\n{UGLY}```\n  {UGLY}\r\n|a\\|b|\n|-|\n|日本|"
    once = format_document(text)
    assert once != text
    assert format_document(once) == once
# journeyman-canary-5ef37336154b99a6121baaf9535b2168
