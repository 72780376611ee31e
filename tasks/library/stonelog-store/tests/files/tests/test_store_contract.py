import pytest

from stonelog import ClosedError, KeyFormatError, Kind, Log, Record, Store, encode


@pytest.fixture
def path(tmp_path):
    return tmp_path / "test.db"


def put(key, value=b""):
    return Record(Kind.PUT, key, value)


def commit():
    return encode(Record(Kind.COMMIT))


def content(path):
    with Store(path) as store:
        return dict(store.scan())


def test_put_get_delete(path):
    with Store(path) as store:
        store.put(b"a", b"1")
        store.put(b"a", b"2")
        store.put(b"b", b"")
        assert store.get(b"a") == b"2"
        assert b"b" in store and b"c" not in store
        assert store.get(b"c", b"d") == b"d"
        assert len(store) == 2
        assert store.delete(b"a") is True
        assert store.delete(b"a") is False
        assert store.get(b"a") is None
    assert content(path) == {b"b": b""}


def test_scans(path):
    with Store(path) as store:
        for key in (b"b/2", b"a", b"b/1", b"c"):
            store.put(key, key)
        assert [key for key, _ in store.scan(b"b", b"c")] == [b"b/1", b"b/2"]
        assert [key for key, _ in store.scan(reverse=True)] == [b"c", b"b/2", b"b/1", b"a"]
        assert list(store.scan_prefix(b"b/", reverse=True)) == [(b"b/2", b"b/2"), (b"b/1", b"b/1")]


def test_bytes_in_the_file(path):
    with Store(path) as store:
        store.put(b"a", b"1")
        store.delete(b"a")
        store.write([put(b"b", b"2"), put(b"c", b"3")])
    expected = [encode(put(b"a", b"1")), commit(), encode(Record(Kind.DELETE, b"a")), commit()]
    expected += [encode(put(b"b", b"2")), encode(put(b"c", b"3")), commit()]
    assert path.read_bytes() == b"".join(expected)


def test_what_needs_no_writing_is_not_written(path):
    with Store(path) as store:
        store.write([])
        store.delete(b"ghost")
        assert store.log_bytes == 0
    assert path.read_bytes() == b""


def test_order_within_a_group(path):
    with Store(path) as store:
        store.write(iter([put(b"a", b"1"), Record(Kind.DELETE, b"a"), put(b"a", b"2"), Record(Kind.DELETE, b"ghost")]))
        assert store.get(b"a") == b"2"
    assert content(path) == {b"a": b"2"}


def test_group_without_commit_does_not_count(path):
    path.write_bytes(encode(put(b"a", b"1")) + commit() + encode(put(b"a", b"2")) + encode(put(b"b")))
    assert content(path) == {b"a": b"1"}


def test_group_without_commit_never_comes_to_life(path):
    committed = encode(put(b"a", b"1")) + commit()
    path.write_bytes(committed + encode(put(b"a", b"2")) + encode(put(b"b")))
    with Store(path) as store:
        assert store.log_bytes == len(committed)
        store.put(b"c", b"3")
    assert content(path) == {b"a": b"1", b"c": b"3"}


def test_file_with_nothing_but_an_open_group(path):
    path.write_bytes(encode(put(b"a", b"1")))
    assert content(path) == {}
    assert path.read_bytes() == b""


def test_every_cut_leaves_whole_groups(path):
    groups = [[put(b"a", b"1")], [put(b"b", b"2"), Record(Kind.DELETE, b"a")], [put(b"a", b"3"), put(b"c", b"4")]]
    states = [{}, {b"a": b"1"}, {b"b": b"2"}, {b"a": b"3", b"b": b"2", b"c": b"4"}]
    data, ends = b"", [0]
    for group in groups:
        data += b"".join(map(encode, group)) + commit()
        ends.append(len(data))
    for length in range(len(data) + 1):
        path.write_bytes(data[:length])
        whole = sum(end <= length for end in ends) - 1
        assert content(path) == states[whole]
        assert path.read_bytes() == data[: ends[whole]]


def test_empty_groups_in_a_file(path):
    path.write_bytes(commit() + commit() + encode(put(b"a")) + commit())
    assert content(path) == {b"a": b""}


def test_commit_in_a_group_is_refused(path):
    with Store(path) as store:
        store.put(b"a", b"1")
        with pytest.raises(ValueError):
            store.write([put(b"a", b"2"), Record(Kind.COMMIT), put(b"b")])
        assert dict(store.scan()) == {b"a": b"1"}
    assert content(path) == {b"a": b"1"}


def test_group_that_cannot_be_written_changes_nothing(path):
    with Store(path) as store:
        store.put(b"a", b"1")
        before = path.read_bytes()
        with pytest.raises(KeyFormatError):
            store.write([put(b"a", b"2"), put(b"")])
        with pytest.raises(ValueError):
            store.write([put(b"b"), Record(Kind.DELETE, b"a", b"value")])
        assert path.read_bytes() == before
        assert dict(store.scan()) == {b"a": b"1"}


def test_failing_disk_changes_nothing_that_readers_see(path, monkeypatch):
    def fail(self, records):
        raise OSError("no space left")

    with Store(path) as store:
        store.put(b"a", b"1")
        monkeypatch.setattr(Log, "append", fail)
        with pytest.raises(OSError, match="no space"):
            store.put(b"a", b"2")
        with pytest.raises(OSError, match="no space"):
            store.delete(b"a")
        assert store.get(b"a") == b"1"


@pytest.mark.parametrize("key", [b"", "text"], ids=["empty", "text"])
def test_bad_keys(path, key):
    with Store(path) as store:
        for use in (lambda: store.put(key, b""), lambda: store.get(key), lambda: store.delete(key), lambda: key in store):
            with pytest.raises(KeyFormatError):
                use()


def test_bytes_are_counted(path):
    with Store(path) as store:
        store.put(b"key", b"value")
        store.put(b"key", b"v")
        assert store.live_bytes == 4
        assert store.log_bytes == path.stat().st_size
    with Store(path) as store:
        assert (store.live_bytes, store.log_bytes) == (4, path.stat().st_size)


def test_closed(path):
    store = Store(path)
    store.put(b"a", b"1")
    store.close()
    store.close()
    uses = [
        lambda: store.put(b"a", b""),
        lambda: store.write([]),
        lambda: store.get(b"a"),
        lambda: store.delete(b"ghost"),
        lambda: b"a" in store,
        lambda: len(store),
        lambda: store.scan(),
        lambda: store.scan_prefix(b"a"),
    ]
    for use in uses:
        with pytest.raises(ClosedError):
            use()
# journeyman-canary-a0f1f0c291b79a382407d801950ea32e
