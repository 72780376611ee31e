"""A key-value store with a write-ahead log."""

from stonelog.batch import Batch
from stonelog.compaction import Compaction, compact
from stonelog.errors import ClosedError, CorruptError, KeyFormatError, StonelogError, TruncatedError
from stonelog.keys import check_key, prefix_end
from stonelog.log import Log
from stonelog.memtable import MemTable
from stonelog.records import Kind, Record, decode, encode
from stonelog.store import Store

__all__ = [
    "Batch",
    "ClosedError",
    "Compaction",
    "CorruptError",
    "KeyFormatError",
    "Kind",
    "Log",
    "MemTable",
    "Record",
    "StonelogError",
    "Store",
    "TruncatedError",
    "check_key",
    "compact",
    "decode",
    "encode",
    "prefix_end",
]
