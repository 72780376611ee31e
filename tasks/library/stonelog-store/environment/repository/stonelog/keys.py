"""Rules for keys, and where the keys with a prefix end."""

from __future__ import annotations

from stonelog.errors import KeyFormatError

MAX_KEY_BYTES = 65535


def check_key(key: bytes) -> bytes:
    """Return the key if it may be one.

    Raises:
        KeyFormatError: it is empty, too long, or not bytes.
    """
    if not isinstance(key, bytes):
        raise KeyFormatError(f"keys are bytes, not {type(key).__name__}")
    if not key:
        raise KeyFormatError("a key must not be empty")
    if len(key) > MAX_KEY_BYTES:
        raise KeyFormatError(f"a key has at most {MAX_KEY_BYTES} bytes, not {len(key)}")
    return key


def prefix_end(prefix: bytes) -> bytes | None:
    """The smallest bytes above everything that begins with `prefix`; None when nothing is above."""
    stripped = prefix.rstrip(b"\xff")
    if not stripped:
        return None
    return stripped[:-1] + bytes([stripped[-1] + 1])
