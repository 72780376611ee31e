import random

import pytest

from stonelog import KeyFormatError, MemTable


def table_of(*keys):
    table = MemTable()
    for key in keys:
        table.put(key, b"v" + key)
    return table


def keys(pairs):
    return [key for key, _ in pairs]


def test_empty():
    table = MemTable()
    assert len(table) == 0
    assert table.size == 0
    assert table.get(b"k") is None
    assert table.get(b"k", b"d") == b"d"
    assert b"k" not in table
    assert list(table.scan()) == []
    assert table.delete(b"k") is False


def test_put_and_replace():
    table = MemTable()
    table.put(b"key", b"one")
    table.put(b"key", b"three")
    assert table.get(b"key") == b"three"
    assert len(table) == 1
    assert table.size == 3 + 5


def test_empty_value_is_a_value():
    table = MemTable()
    table.put(b"key", b"")
    assert b"key" in table
    assert table.get(b"key", b"d") == b""
    assert table.delete(b"key") is True


def test_delete():
    table = table_of(b"a", b"b")
    assert table.delete(b"a") is True
    assert table.delete(b"a") is False
    assert keys(table.scan()) == [b"b"]
    assert table.size == 1 + 2


@pytest.mark.parametrize("key", [b"", "text", b"x" * 65536], ids=["empty", "text", "long"])
def test_bad_key_changes_nothing(key):
    table = table_of(b"a")
    with pytest.raises(KeyFormatError):
        table.put(key, b"v")
    assert list(table.scan()) == [(b"a", b"va")]
    assert table.size == 3


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, [b"a", b"b", b"ba", b"c"]),
        (b"b", None, [b"b", b"ba", b"c"]),
        (None, b"b", [b"a"]),
        (b"b", b"c", [b"b", b"ba"]),
        (b"aa", b"bz", [b"b", b"ba"]),
        (b"b", b"b", []),
        (b"c", b"a", []),
        (b"", b"b", [b"a"]),
        (None, b"", []),
        (b"d", None, []),
    ],
    ids=range(10),
)
def test_scan_bounds(start, end, expected):
    table = table_of(b"c", b"a", b"ba", b"b")
    assert keys(table.scan(start, end)) == expected
    assert keys(table.scan(start, end, reverse=True)) == expected[::-1]


def test_bytes_order_is_not_text_order():
    assert keys(table_of(b"\xff", b"a", b"Z", b"\x00").scan()) == [b"\x00", b"Z", b"a", b"\xff"]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        (b"a", [b"a", b"a\xff", b"a\xff\x01"]),
        (b"a\xff", [b"a\xff", b"a\xff\x01"]),
        (b"\xff", [b"\xff", b"\xff\xff"]),
        (b"b", [b"b"]),
        (b"bb", []),
        (b"", [b"a", b"a\xff", b"a\xff\x01", b"b", b"\xff", b"\xff\xff"]),
    ],
    ids=range(6),
)
def test_scan_prefix(prefix, expected):
    table = table_of(b"\xff\xff", b"b", b"a\xff\x01", b"a", b"\xff", b"a\xff")
    assert keys(table.scan_prefix(prefix)) == expected
    assert keys(table.scan_prefix(prefix, reverse=True)) == expected[::-1]


def test_scan_shows_the_moment_of_the_call():
    table = table_of(b"a", b"b", b"c")
    early, late = table.scan(), table.scan_prefix(b"b")
    assert next(early) == (b"a", b"va")
    table.delete(b"b")
    table.put(b"c", b"new")
    table.put(b"d", b"vd")
    assert list(early) == [(b"b", b"vb"), (b"c", b"vc")]
    assert list(late) == [(b"b", b"vb")]


def test_scan_is_an_iterator():
    assert next(table_of(b"a").scan()) == (b"a", b"va")


def test_agrees_with_a_dict():
    chance = random.Random(7)
    table, model = MemTable(), {}
    for _ in range(2000):
        key = bytes(chance.choices(b"ab\xff", k=chance.randint(1, 4)))
        if chance.random() < 0.6:
            value = bytes(chance.randint(0, 5))
            table.put(key, value)
            model[key] = value
        else:
            assert table.delete(key) is (model.pop(key, None) is not None)
    assert list(table.scan()) == sorted(model.items())
    assert len(table) == len(model)
    assert table.size == sum(len(key) + len(value) for key, value in model.items())
# journeyman-canary-a0f1f0c291b79a382407d801950ea32e
