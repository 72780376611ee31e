import pytest

from stonelog import Batch, ClosedError, KeyFormatError, Kind, Log, Record, Store, encode


@pytest.fixture
def path(tmp_path):
    return tmp_path / "test.db"


@pytest.fixture
def store(path):
    with Store(path) as store:
        store.put(b"ann", b"42")
        store.put(b"bo", b"7")
        yield store


def test_nothing_changes_before_the_commit(store):
    batch = Batch(store)
    batch.put(b"ann", b"40")
    batch.delete(b"bo")
    assert dict(store.scan()) == {b"ann": b"42", b"bo": b"7"}
    batch.commit()
    assert dict(store.scan()) == {b"ann": b"40"}


def test_reading_through_the_batch(store):
    batch = Batch(store)
    batch.put(b"new", b"")
    batch.delete(b"bo")
    assert batch.get(b"ann") == b"42"
    assert batch.get(b"new", b"d") == b""
    assert batch.get(b"bo") is None
    assert batch.get(b"bo", b"d") == b"d"
    assert batch.get(b"ghost", b"d") == b"d"
    store.put(b"ann", b"43")
    assert batch.get(b"ann") == b"43"


def test_delete_says_what_the_batch_sees(store):
    batch = Batch(store)
    assert batch.delete(b"ann") is True
    assert batch.delete(b"ann") is False
    assert batch.delete(b"ghost") is False
    batch.put(b"new", b"")
    assert batch.delete(b"new") is True


def test_length_counts_keys(store):
    batch = Batch(store)
    assert len(batch) == 0
    batch.put(b"a", b"1")
    batch.put(b"a", b"2")
    batch.delete(b"bo")
    assert len(batch) == 2


def test_one_group_with_the_last_change_of_each_key(store, path):
    before = path.read_bytes()
    with Batch(store) as batch:
        batch.put(b"ann", b"1")
        batch.delete(b"bo")
        batch.put(b"ann", b"2")
    written = path.read_bytes().removeprefix(before)
    changes = [encode(Record(Kind.PUT, b"ann", b"2")), encode(Record(Kind.DELETE, b"bo"))]
    commit = encode(Record(Kind.COMMIT))
    assert written in (b"".join([*changes, commit]), b"".join([*reversed(changes), commit]))


def test_deletions_of_what_is_not_there_are_not_written(store, path):
    before = path.read_bytes()
    with Batch(store) as batch:
        batch.delete(b"ghost")
        batch.put(b"new", b"1")
        batch.delete(b"new")
    assert path.read_bytes() == before


def test_empty_batch_writes_nothing(store, path):
    before = path.read_bytes()
    with Batch(store):
        pass
    assert path.read_bytes() == before


def test_block_that_raises_rolls_back(store):
    with pytest.raises(ZeroDivisionError), Batch(store) as batch:
        batch.put(b"ann", b"0")
        1 / 0
    assert store.get(b"ann") == b"42"
    with pytest.raises(ClosedError):
        batch.commit()


def test_commit_and_rollback_inside_the_block(store):
    with Batch(store) as batch:
        batch.put(b"ann", b"1")
        batch.commit()
    assert store.get(b"ann") == b"1"
    with Batch(store) as batch:
        batch.put(b"ann", b"2")
        batch.rollback()
    assert store.get(b"ann") == b"1"
    with pytest.raises(ZeroDivisionError), Batch(store) as batch:
        batch.put(b"ann", b"3")
        batch.commit()
        1 / 0
    assert store.get(b"ann") == b"3"


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_ended_batch_is_closed(store, end):
    batch = Batch(store)
    batch.put(b"ann", b"1")
    getattr(batch, end)()
    uses = [
        lambda: batch.put(b"a", b""),
        lambda: batch.delete(b"a"),
        lambda: batch.get(b"a"),
        batch.commit,
        batch.rollback,
        batch.__enter__,
    ]
    for use in uses:
        with pytest.raises(ClosedError):
            use()
    len(batch)


@pytest.mark.parametrize("key", [b"", "text"], ids=["empty", "text"])
def test_bad_keys(store, key):
    batch = Batch(store)
    for use in (lambda: batch.put(key, b""), lambda: batch.get(key), lambda: batch.delete(key)):
        with pytest.raises(KeyFormatError):
            use()
    assert len(batch) == 0


def test_batch_stays_open_when_writing_fails(store, monkeypatch):
    def fail(self, records):
        list(records)
        raise OSError("no space left")

    batch = Batch(store)
    batch.put(b"ann", b"1")
    with monkeypatch.context() as patch:
        patch.setattr(Log, "append", fail)
        with pytest.raises(OSError, match="no space"):
            batch.commit()
    assert store.get(b"ann") == b"42"
    batch.commit()
    assert store.get(b"ann") == b"1"


def test_survives_reopening(store, path):
    with Batch(store) as batch:
        batch.put(b"cy", b"1")
        batch.delete(b"ann")
    store.close()
    with Store(path) as again:
        assert dict(again.scan()) == {b"bo": b"7", b"cy": b"1"}


def test_two_batches_side_by_side(store):
    first, second = Batch(store), Batch(store)
    first.put(b"x", b"1")
    second.delete(b"x")
    assert second.get(b"x") is None
    first.commit()
    second.commit()
    assert b"x" not in store
# journeyman-canary-a0f1f0c291b79a382407d801950ea32e
