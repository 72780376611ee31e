"""What one action changed, as a unified diff: for the record and for people. Nothing is ever patched from it."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

from journeyman.sandbox.sandbox import File, Snapshot

MAX_FILE_BYTES = 200_000
MAX_FILE_LINES = 5_000
"""Larger files are named only: comparing lines takes quadratic time, and an agent chooses them."""
MAX_LINES = 50_000
"""Of the whole diff, a long one counted as several; further files are named only. An action may change thousands."""
LINE_CHARS = 80
MAX_FILES = 1_000
"""Further files are only counted."""


def diff_between(before: Snapshot, after: Snapshot, pristine: Path) -> str:
    """Unified diff from one file state of a repository to another; empty when they are the same.

    `pristine` is the repository's folder on the host, for files that stood unchanged in one of the states.
    """
    touched = sorted({*before.changed, *before.removed, *after.changed, *after.removed})
    parts, room = list[str](), MAX_LINES
    for number, path in enumerate(touched):
        if len(parts) == MAX_FILES:
            parts.append(f"and {len(touched) - number} more files, changed or not\n")
            break
        old, new = _file(path, before, pristine), _file(path, after, pristine)
        if part := _diff_file(path, old, new, by_line=room > 0):
            parts.append(part)
            room -= max(part.count("\n"), len(part) // LINE_CHARS)
    return "".join(parts)


def _file(path: str, state: Snapshot, pristine: Path) -> File | None:
    if path in state.removed:
        return None
    if (changed := state.changed.get(path)) is not None:
        return changed
    original = pristine / path
    if not original.is_file():
        return None
    return File(original.read_bytes(), original.stat().st_mode & 0o777)


def _diff_file(path: str, before: File | None, after: File | None, *, by_line: bool) -> str:
    if before is not None and after is not None and before.data == after.data:
        if before.executable == after.executable:
            return ""
        return f"mode of {path} changed: {'not ' if not after.executable else ''}executable\n"
    old = f"a/{path}" if before is not None else "/dev/null"
    new = f"b/{path}" if after is not None else "/dev/null"
    lines = [_lines(before), _lines(after)]
    if lines[0] is None or lines[1] is None or not by_line:
        size = len(after.data) if after is not None else 0
        return f"--- {old}\n+++ {new}\nBinary or large file, now {size} bytes\n"
    body = unified_diff(lines[0], lines[1], old, new)
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in body) or (
        f"--- {old}\n+++ {new}\n"  # an empty file came or went
    )


def _lines(file: File | None) -> list[str] | None:
    """Lines with their ends; `None` for what is not compared by line."""
    data = file.data if file is not None else b""
    if len(data) > MAX_FILE_BYTES or b"\x00" in data:
        return None
    text = data.decode("utf-8", "replace")
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    if not lines[-1]:
        lines.pop()
    return lines if len(lines) <= MAX_FILE_LINES else None
