import pytest

from stonelog import KeyFormatError, check_key, prefix_end


def test_sound_key_comes_back():
    assert check_key(b"user/ann") == b"user/ann"
    assert check_key(b"\x00" * 65535) == b"\x00" * 65535


@pytest.mark.parametrize("key", [b"", b"x" * 65536, "text", None], ids=["empty", "long", "text", "none"])
def test_what_is_no_key(key):
    with pytest.raises(KeyFormatError):
        check_key(key)


@pytest.mark.parametrize(
    ("prefix", "end"),
    [(b"a", b"b"), (b"user/", b"user0"), (b"a\xff", b"b"), (b"a\xff\xff", b"b"), (b"\xff", None), (b"", None)],
    ids=range(6),
)
def test_prefix_end(prefix, end):
    assert prefix_end(prefix) == end
