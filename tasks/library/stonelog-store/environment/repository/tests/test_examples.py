"""The README's example, piece by piece. These pass when the modules are written."""

from stonelog import Batch, Kind, Log, MemTable, Record, Store, compact, decode, encode


def test_record_round_trip():
    record = Record(Kind.PUT, b"user/ann", b"42")
    data = encode(record)
    assert len(data) == 13 + 8 + 2
    assert decode(data) == (record, len(data))


def test_memtable_is_sorted():
    table = MemTable()
    for key in [b"b", b"c", b"a"]:
        table.put(key, key.upper())
    assert list(table.scan()) == [(b"a", b"A"), (b"b", b"B"), (b"c", b"C")]


def test_log_keeps_records(tmp_path):
    with Log(tmp_path / "log") as log:
        log.append([Record(Kind.PUT, b"k", b"v"), Record(Kind.COMMIT)])
    with Log(tmp_path / "log") as log:
        assert [record.kind for record, _ in log.replay()] == [Kind.PUT, Kind.COMMIT]


def test_store_survives(tmp_path):
    with Store(tmp_path / "db") as store:
        store.put(b"user/ann", b"42")
    with Store(tmp_path / "db") as store:
        assert store.get(b"user/ann") == b"42"


def test_batch(tmp_path):
    with Store(tmp_path / "db") as store:
        store.put(b"user/ann", b"42")
        with Batch(store) as batch:
            batch.put(b"user/ann", b"40")
            batch.put(b"user/bo", b"2")
        assert list(store.scan_prefix(b"user/")) == [(b"user/ann", b"40"), (b"user/bo", b"2")]


def test_compaction(tmp_path):
    with Store(tmp_path / "db") as store:
        store.put(b"user/ann", b"42")
        store.put(b"user/ann", b"40")
    assert compact(tmp_path / "db").keys == 1
    with Store(tmp_path / "db") as store:
        assert store.get(b"user/ann") == b"40"
