import os

import pytest

from stonelog import Compaction, Kind, Record, Store, compact, encode


def put(key, value=b""):
    return encode(Record(Kind.PUT, key, value))


def commit():
    return encode(Record(Kind.COMMIT))


def compacted():
    """What the file of the fixture below becomes."""
    return put(b"a", b"1") + put(b"b", b"new") + commit()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "test.db"
    with Store(path) as store:
        store.put(b"b", b"old")
        store.put(b"c", b"gone")
        store.put(b"a", b"1")
        store.put(b"b", b"new")
        store.delete(b"c")
    return path


def test_only_what_lives_stays_in_key_order(path):
    before = path.stat().st_size
    assert compact(path) == Compaction(before, len(compacted()), 2)
    assert path.read_bytes() == compacted()


def test_store_shows_the_same(path):
    compact(str(path))
    with Store(path) as store:
        assert dict(store.scan()) == {b"a": b"1", b"b": b"new"}
        store.put(b"z", b"")
    with Store(path) as store:
        assert len(store) == 3


def test_twice_changes_nothing_more(path):
    compact(path)
    assert compact(path) == Compaction(len(compacted()), len(compacted()), 2)


def test_empty_store(tmp_path):
    path = tmp_path / "empty.db"
    with Store(path) as store:
        store.put(b"a", b"")
        store.delete(b"a")
    before = path.stat().st_size
    assert compact(path) == Compaction(before, 0, 0)
    assert path.read_bytes() == b""
    assert compact(path) == Compaction(0, 0, 0)


def test_torn_end_is_dropped_and_counted(path):
    torn = path.read_bytes() + put(b"d")[:-1]
    path.write_bytes(torn)
    assert compact(path).bytes_before == len(torn)
    assert path.read_bytes() == compacted()


def test_group_without_commit_is_dropped(path):
    path.write_bytes(path.read_bytes() + put(b"d"))
    assert compact(path).keys == 2
    assert path.read_bytes() == compacted()


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        compact(tmp_path / "ghost.db")
    assert list(tmp_path.iterdir()) == []


def test_nothing_else_stays_in_the_folder(path):
    compact(path)
    assert list(path.parent.iterdir()) == [path]


def test_remains_of_a_killed_compaction(path):
    (path.parent / "test.db.compacting").write_bytes(put(b"zombie") + commit())
    compact(path)
    assert path.read_bytes() == compacted()
    assert list(path.parent.iterdir()) == [path]


def test_failure_leaves_the_old_content_and_nothing_else(path, monkeypatch):
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", fail)
        with pytest.raises(OSError, match="disk is gone"):
            compact(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    compact(path)
    assert path.read_bytes() == compacted()


def test_new_file_is_whole_and_synced_before_it_replaces_the_old_one(path, monkeypatch):
    seen, synced = [], []
    real_replace, real_fsync = os.replace, os.fsync

    def replace(source, target, **kwargs):
        with open(source, "rb") as file:
            seen.append((file.read(), os.path.dirname(os.path.abspath(source)), os.stat(source).st_ino in synced))
        real_replace(source, target, **kwargs)

    def fsync(descriptor):
        real_fsync(descriptor)
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        synced.append(os.fstat(number).st_ino)

    monkeypatch.setattr("os.replace", replace)
    monkeypatch.setattr("os.fsync", fsync)
    compact(path)
    assert seen == [(compacted(), str(path.parent), True)]


def test_permissions_stay(path):
    path.chmod(0o640)
    compact(path)
    assert path.stat().st_mode & 0o777 == 0o640


def test_relative_path(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    assert compact("test.db").keys == 2
# journeyman-canary-a0f1f0c291b79a382407d801950ea32e
