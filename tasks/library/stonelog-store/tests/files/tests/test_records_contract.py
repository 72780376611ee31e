import struct
import zlib

import pytest

from stonelog import CorruptError, KeyFormatError, Kind, Record, TruncatedError, decode, encode

RECORDS = {
    "put": Record(Kind.PUT, b"key", b"value"),
    "empty-value": Record(Kind.PUT, b"key"),
    "any-bytes": Record(Kind.PUT, bytes(range(256)), bytes(reversed(range(256)))),
    "longest-key": Record(Kind.PUT, b"k" * 65535, b"v"),
    "delete": Record(Kind.DELETE, b"key"),
    "commit": Record(Kind.COMMIT),
}


def sealed(kind, key, value, key_length=None, value_length=None):
    """Bytes with a right checksum, whatever they say."""
    lengths = (len(key) if key_length is None else key_length, len(value) if value_length is None else value_length)
    body = struct.pack(">BII", kind, *lengths) + key + value
    return struct.pack(">I", zlib.crc32(body)) + body


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_round_trip(record):
    data = encode(record)
    assert decode(data) == (record, len(data))


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_layout(record):
    assert encode(record) == sealed(int(record.kind), record.key, record.value)


def test_types():
    record, _ = decode(bytearray(encode(Record(Kind.PUT, b"k", b"v"))))
    assert isinstance(record.kind, Kind)
    assert type(record.key) is bytes
    assert type(record.value) is bytes


def test_records_in_a_row():
    data = b"".join(encode(record) for record in RECORDS.values())
    offset, found = 0, []
    while offset < len(data):
        record, offset = decode(data, offset)
        found.append(record)
    assert found == list(RECORDS.values())


def test_what_follows_does_not_matter():
    data = encode(Record(Kind.PUT, b"k", b"v"))
    assert decode(data + b"\x00garbage") == (Record(Kind.PUT, b"k", b"v"), len(data))


@pytest.mark.parametrize("record", [RECORDS["put"], RECORDS["delete"], RECORDS["commit"]], ids=["put", "delete", "commit"])
def test_every_cut_is_noticed(record):
    data = encode(record)
    for length in range(len(data)):
        with pytest.raises(TruncatedError):
            decode(data[:length])


def test_nothing_left():
    data = encode(Record(Kind.COMMIT))
    with pytest.raises(TruncatedError):
        decode(data, len(data))


def test_every_flipped_bit_is_noticed():
    data = encode(Record(Kind.PUT, b"key", b"value"))
    for position in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            with pytest.raises((CorruptError, TruncatedError)):
                decode(bytes(flipped))


def test_wrong_checksum():
    data = bytearray(encode(Record(Kind.PUT, b"key", b"value")))
    data[-1] ^= 1
    with pytest.raises(CorruptError):
        decode(bytes(data))


@pytest.mark.parametrize("kind", [0, 4, 255])
def test_unknown_kind(kind):
    with pytest.raises(CorruptError):
        decode(sealed(kind, b"key", b"value"))


def test_length_beyond_the_end():
    with pytest.raises(TruncatedError):
        decode(sealed(1, b"key", b"value", value_length=2**32 - 1))


@pytest.mark.parametrize("kind", [Kind.PUT, Kind.DELETE])
@pytest.mark.parametrize("key", [b"", b"x" * 65536, "text"], ids=["empty", "long", "text"])
def test_bad_keys(kind, key):
    with pytest.raises(KeyFormatError):
        encode(Record(kind, key))


@pytest.mark.parametrize(
    "record",
    [Record(Kind.DELETE, b"k", b"v"), Record(Kind.COMMIT, b"k"), Record(Kind.COMMIT, b"", b"v")],
    ids=["delete-value", "commit-key", "commit-value"],
)
def test_parts_that_do_not_belong(record):
    with pytest.raises(ValueError):
        encode(record)
# journeyman-canary-a0f1f0c291b79a382407d801950ea32e
