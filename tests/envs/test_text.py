"""What a policy reads is plain, bounded, and says what it leaves out."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.spaces import SourceText
from journeyman.envs.text import REPLACEMENT, clean, cut, normalise, shorten

any_text = st.text(st.characters(exclude_categories=[]), max_size=300)


@given(any_text)
def test_whatever_is_cleaned_fits_the_space(text: str) -> None:
    cleaned = clean(text)
    assert cleaned in SourceText(10_000)
    assert clean(cleaned) == cleaned


@given(any_text, st.integers(200, 400))
def test_a_cut_is_bounded_and_counts_what_is_missing(text: str, limit: int) -> None:
    text = text * 5
    short = cut(text, limit)
    assert len(short) <= limit
    if len(text) <= limit:
        assert short == text
    else:
        head, missing, tail = re.split(r"\n?\[… (\d+) characters left out …\]\n", short)
        assert text.startswith(head)
        assert text.endswith(tail)
        assert len(head) + int(missing) + len(tail) in (len(text), len(text) - 1)  # the newline before the mark


def test_source_code_stays_as_it_is() -> None:
    source = "def größe(x):\n\treturn 'naïve — 長さ' + x  # ½ → ok\n"
    assert clean(source) == source


def test_what_could_deceive_the_reader_is_taken_out() -> None:
    assert clean("\x1b[31mred\x1b[0m\x1b]0;title\x07 and \x9b1mbold") == "red and bold"
    assert clean("a\u202eb\u2066c\x00d") == f"a{REPLACEMENT}b{REPLACEMENT}c{REPLACEMENT}d"
    assert clean("one\r\ntwo\rthree") == "one\ntwo\nthree"
    assert clean("\U0001f600 \ud800") == f"{REPLACEMENT} {REPLACEMENT}"


def test_a_cut_keeps_whole_lines_of_head_and_tail() -> None:
    text = "\n".join(f"line {n}" for n in range(200))
    short = cut(text, 300)
    assert short.startswith("line 0\nline 1\n")
    assert short.endswith("\nline 198\nline 199")
    assert all(re.fullmatch(r"line \d+|\[… \d+ characters left out …\]", line) for line in short.split("\n"))


def test_two_identical_runs_read_the_same() -> None:
    first = "<Parcel object at 0x7f12deadbeef> in /tmp/tmpa1b2c3d4\n3 passed in 0.12s"
    second = "<Parcel object at 0x7f98cafe0001> in /tmp/tmpzzzzzzzz\n3 passed in 61.02s (0:01:01)"
    assert normalise(first) == normalise(second) == "<Parcel object at 0x…> in /tmp/tmp…\n3 passed"
    cut = "assert <itertools.ch...x7f68faed6c50> == [1], <Parcel at ...faed6c50>, 1...beef"
    assert normalise(cut) == "assert <itertools.ch...0x…> == [1], <Parcel at ...0x…>, 1...beef"


def test_a_long_line_is_shortened() -> None:
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"
