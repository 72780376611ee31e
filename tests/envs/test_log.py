"""What `append` acknowledged is there afterwards, whatever was done to the process, the file or the disk."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyman.envs.log import (
    HEADER,
    Damage,
    LogError,
    LogLocked,
    LogWriteError,
    Record,
    SegmentWriter,
    frame,
    has_living_writer,
    read_at,
    scan,
)

payloads = st.lists(st.binary(min_size=1, max_size=60), max_size=12)


def file_of(items: list[bytes]) -> bytes:
    return HEADER + b"".join(frame(item) for item in items)


def records(path: Path) -> list[bytes]:
    return [item.payload for item in scan(path) if isinstance(item, Record)]


def damage(path: Path) -> list[Damage]:
    return [item for item in scan(path) if isinstance(item, Damage)]


def test_what_was_appended_is_read_back_in_order_and_by_offset(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.log"
    with SegmentWriter(path) as writer:
        offsets = [*writer.append(b"one", b"two"), *writer.append(b"three")]
    assert records(path) == [b"one", b"two", b"three"]
    assert [read_at(path, offset) for offset in offsets] == [b"one", b"two", b"three"]
    with SegmentWriter(path) as writer:
        writer.append(b"four")
    assert records(path)[-1] == b"four" and not damage(path)


def test_a_segment_has_one_writer_at_a_time_and_readers_see_that_it_lives(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    with SegmentWriter(path) as writer:
        assert has_living_writer(path)
        with pytest.raises(LogLocked, match="another process is writing"):
            SegmentWriter(path)
        writer.append(b"still mine")
    assert not has_living_writer(path)
    assert records(path) == [b"still mine"]


def test_a_closed_writer_and_payloads_that_are_none_are_refused(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "a.log")
    with pytest.raises(ValueError, match="1 to"):
        writer.append(b"kept?", b"")
    writer.close()
    writer.close()
    with pytest.raises(LogError, match="closed"):
        writer.append(b"late")
    assert records(tmp_path / "a.log") == []


def test_a_file_that_is_no_log_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.log"
    path.write_text("buy milk, bread and eggs")
    with pytest.raises(LogError, match="left as it is"):
        SegmentWriter(path)
    assert path.read_text() == "buy milk, bread and eggs"
    assert [item.at_end for item in damage(path)] == [True]


def test_a_damaged_record_is_named_by_its_offset_when_read(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    data = bytearray(file_of([b"first", b"second"]))
    data[len(HEADER) + 9] ^= 1
    path.write_bytes(data)
    with pytest.raises(LogError, match=f"byte {len(HEADER)} is damaged"):
        read_at(path, len(HEADER))
    with pytest.raises(LogError):
        read_at(path, len(data) + 50)
    assert [str(item) for item in damage(path)] == [
        f"13 bytes are not readable at byte {len(HEADER)} (in the middle; what follows is intact)"
    ]


@given(payloads, st.data())
@settings(max_examples=80)
def test_a_cut_loses_only_what_was_cut(
    tmp_path_factory: pytest.TempPathFactory, items: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("log") / "a.log"
    whole = file_of(items)
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    kept = records(path)
    assert kept == items[: len(kept)]
    assert len(file_of([*kept, *items[len(kept) : len(kept) + 1]])) > cut or kept == items
    with SegmentWriter(path) as writer:
        whole_part = len(file_of(kept)) if cut >= len(HEADER) else 0
        assert writer.lost_bytes == cut - whole_part
        writer.append(b"after")
    assert records(path) == [*kept, b"after"] and not damage(path)


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=12), st.data())
@settings(max_examples=120)
def test_a_flipped_bit_costs_one_record_at_most(
    tmp_path_factory: pytest.TempPathFactory, items: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("log") / "a.log"
    broken = bytearray(file_of(items))
    broken[data.draw(st.integers(0, len(broken) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(broken)
    kept = records(path)
    assert any(kept == items[:n] + items[n + 1 :] for n in range(len(items))) or kept == items
    (lost,) = damage(path)
    assert 0 <= lost.offset < len(broken)


@given(st.binary(max_size=400))
@settings(max_examples=80)
def test_any_bytes_at_all_are_read_without_a_crash(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    path = tmp_path_factory.mktemp("log") / "a.log"
    path.write_bytes(HEADER + frame(b"mine") + noise)
    found = list(scan(path))
    assert found[0] == Record(len(HEADER), b"mine")
    sizes = sum(item.length if isinstance(item, Damage) else item.end - item.offset for item in found)
    assert sizes == path.stat().st_size - len(HEADER), "every byte is accounted for"


def test_a_zero_filled_end_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(file_of([b"mine"]) + bytes(4096))
    with SegmentWriter(path) as writer:
        assert writer.lost_bytes == 4096
    assert records(path) == [b"mine"] and not damage(path)


def test_a_full_disk_loses_nothing_acknowledged_and_writing_goes_on_when_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with SegmentWriter(path) as writer:
        writer.append(b"acknowledged")
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))  # room for half a record
        try:
            with pytest.raises(LogWriteError, match=r"kept; free some space"):
                writer.append(b"x" * 100)
            assert records(path) == [b"acknowledged"] and not damage(path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        writer.append(b"later")
    assert records(path) == [b"acknowledged", b"later"]


WRITER = """
import sys
from pathlib import Path
from journeyman.envs.log import SegmentWriter
with SegmentWriter(Path(sys.argv[1])) as writer:
    for number in range(10**9):
        writer.append(b"%d:" % number + b"x" * (number * 37 % 5000))
        print(number, flush=True)
"""


@pytest.mark.parametrize("seed", range(4))
def test_after_kill_9_every_acknowledged_record_is_there_once(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "a.log"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    first = writer.stdout.readline()
    time.sleep(random.Random(seed).uniform(0.0, 0.15))
    writer.send_signal(signal.SIGKILL)
    acknowledged = [int(line) for line in (first + writer.stdout.read()).splitlines()]
    writer.stdout.close()
    writer.wait()
    with SegmentWriter(path) as again:
        again.append(b"done:")
    numbers = [payload.split(b":")[0].decode() for payload in records(path)]
    assert numbers[-1] == "done" and not damage(path)
    assert [int(number) for number in numbers[: len(acknowledged)]] == acknowledged
    assert len(numbers) - 1 - len(acknowledged) in (0, 1), "at most the one that was on its way"
