import os
from pathlib import Path

import pytest

from stonelog import ClosedError, KeyFormatError, Kind, Log, Record, encode

ONE = Record(Kind.PUT, b"one", b"1")
TWO = Record(Kind.DELETE, b"two")
END = Record(Kind.COMMIT)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "test.log"


def records(log):
    return [record for record, _ in log.replay()]


def test_new_file(path):
    with Log(path) as log:
        assert path.exists()
        assert (log.size, log.dropped_bytes) == (0, 0)
        assert list(log.replay()) == []


def test_path_may_be_text(path):
    with Log(str(path)) as log:
        assert log.path == path
        assert isinstance(log.path, Path)


def test_bytes_in_the_file(path):
    with Log(path) as log:
        log.append([ONE, TWO])
        assert path.read_bytes() == encode(ONE) + encode(TWO)
        assert log.size == path.stat().st_size
        log.append([END])
        assert path.read_bytes() == encode(ONE) + encode(TWO) + encode(END)


def test_replay_says_where_records_end(path):
    with Log(path) as log:
        log.append([ONE, END])
        first, second = len(encode(ONE)), len(encode(ONE)) + len(encode(END))
        assert list(log.replay()) == [(ONE, first), (END, second)]


def test_open_again_and_go_on(path):
    with Log(path) as log:
        log.append([ONE])
    with Log(path) as log:
        assert log.size == len(encode(ONE))
        log.append(record for record in [TWO, END])
        assert records(log) == [ONE, TWO, END]


def test_replay_covers_the_moment_of_the_call(path):
    with Log(path) as log:
        log.append([ONE])
        replayed = log.replay()
        log.append([TWO])
        assert [record for record, _ in replayed] == [ONE]


def test_torn_end_is_cut_off(path):
    whole = encode(ONE) + encode(TWO)
    for length in range(len(encode(ONE)) + 1, len(whole)):
        path.write_bytes(whole[:length])
        with Log(path) as log:
            assert log.dropped_bytes == length - len(encode(ONE))
            assert log.size == path.stat().st_size == len(encode(ONE))
            assert records(log) == [ONE]


def test_append_after_a_torn_end(path):
    path.write_bytes(encode(ONE) + encode(TWO)[:-1])
    with Log(path) as log:
        log.append([END])
        assert records(log) == [ONE, END]
    with Log(path) as log:
        assert log.dropped_bytes == 0
        assert records(log) == [ONE, END]


def test_corruption_ends_the_log_even_if_sound_records_follow(path):
    broken = bytearray(encode(TWO))
    broken[-1] ^= 1
    path.write_bytes(encode(ONE) + bytes(broken) + encode(END))
    with Log(path) as log:
        assert records(log) == [ONE]
        assert log.dropped_bytes == len(broken) + len(encode(END))
    assert path.read_bytes() == encode(ONE)


def test_file_of_garbage(path):
    path.write_bytes(b"not a log at all, but long enough to have a header")
    with Log(path) as log:
        assert log.dropped_bytes == 50
        assert records(log) == []


def test_append_all_or_none(path):
    with Log(path) as log:
        log.append([ONE])
        with pytest.raises(KeyFormatError):
            log.append([TWO, Record(Kind.PUT, b"", b"v")])
        assert records(log) == [ONE]
        assert path.read_bytes() == encode(ONE)
        log.append([END])
        assert records(log) == [ONE, END]


def test_append_nothing(path):
    with Log(path) as log:
        log.append([])
        assert log.size == 0


def test_appended_records_are_synced(path, monkeypatch):
    synced, real = [], os.fsync
    monkeypatch.setattr("os.fsync", lambda descriptor: (synced.append(path.stat().st_size), real(descriptor))[1])
    with Log(path) as log:
        log.append([ONE])
        assert synced[-1:] == [len(encode(ONE))]


def test_truncate(path):
    with Log(path) as log:
        log.append([ONE, TWO])
        log.truncate(len(encode(ONE)))
        assert log.size == path.stat().st_size == len(encode(ONE))
        log.append([END])
        assert list(log.replay()) == [(ONE, len(encode(ONE))), (END, len(encode(ONE)) + len(encode(END)))]


def test_truncate_to_what_it_has_and_to_nothing(path):
    with Log(path) as log:
        log.append([ONE])
        log.truncate(log.size)
        assert records(log) == [ONE]
        log.truncate(0)
        assert records(log) == []


@pytest.mark.parametrize("size", [-1, 1000])
def test_truncate_out_of_range(path, size):
    with Log(path) as log:
        log.append([ONE])
        with pytest.raises(ValueError):
            log.truncate(size)
        assert records(log) == [ONE]


def test_closed(path):
    log = Log(path)
    log.append([ONE])
    assert not log.closed
    log.close()
    log.close()
    assert log.closed
    for use in (lambda: log.append([TWO]), log.replay, lambda: log.truncate(0)):
        with pytest.raises(ClosedError):
            use()
    assert path.read_bytes() == encode(ONE)


def test_context_manager_closes(path):
    with Log(path) as log:
        pass
    assert log.closed
# journeyman-canary-a0f1f0c291b79a382407d801950ea32e
