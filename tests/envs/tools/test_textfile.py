"""A file's bytes come back, all but those that an edit changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.tools.textfile import TextFile

pieces = st.sampled_from([b"a", b"\n", b"\r\n", b"\r", b"\xff", "é".encode(), b"\xef\xbb\xbf", b"  x = 1"])


@given(st.lists(pieces).map(b"".join))
def test_every_byte_comes_back(data: bytes) -> None:
    file = TextFile.parse(data)
    assert file is not None
    assert file.encode() == data
    assert file.with_text(file.text).encode() == data
    assert len(file.numbered(1, 99).split("\n")) == max(len(file.lines), 1)


def test_windows_line_ends_and_the_mark_at_the_start_survive_an_edit() -> None:
    file = TextFile.parse(b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert file is not None
    assert file.lines == ("one", "two")
    assert file.with_lines(("one", "2", "3")).encode() == b"\xef\xbb\xbfone\r\n2\r\n3\r\n"


def test_a_missing_last_newline_stays_missing() -> None:
    file = TextFile.parse(b"one\ntwo")
    assert file is not None
    assert file.numbered(2, 5) == "2|two"
    assert file.with_lines(("one",)).encode() == b"one"


def test_binary_is_no_text() -> None:
    assert TextFile.parse(b"\x7fELF\x00") is None
