"""Unified diffs over files held in memory: applied strictly, and made.

A hunk must match at the very lines that it names; nothing is searched for, so a patch does what it says or is refused.
No program runs: `unidiff` reads the text, and what follows from it is done here.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchedFile, PatchSet

from journeyman.sandbox.sandbox import File
from journeyman.tasks.formats.format import FormatError, Tree, checked_path

NO_NEWLINE = "\\ No newline at end of file\n"
_NOTHING = "/dev/null"
_LINK = "120000"


@dataclass(frozen=True, slots=True)
class Patched:
    """What a patch makes of some files."""

    changed: dict[str, File] = field(default_factory=dict)
    """Files that it makes or changes, as they are afterwards."""
    removed: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    """What of it could not be done, in words."""

    def over(self, tree: Tree) -> dict[str, File]:
        """The whole tree afterwards."""
        return {name: file for name, file in {**tree, **self.changed}.items() if name not in self.removed}


def apply_patch(text: str, tree: Tree) -> Patched:
    """Apply a unified diff, as `git diff` or `diff -u` writes it.

    Raises:
        FormatError: it is no unified diff, or does not fit the files.
    """
    changed: dict[str, File] = {}
    removed: list[str] = []
    unmapped: list[str] = []
    for part in _parse(text):
        old, new = _name(part.source_file), _name(part.target_file)
        if part.is_binary_file or _LINK in (part.source_mode, part.target_mode):
            unmapped.append(f"{new or old}: a binary file or a link; its new content is not taken")
            continue
        if old and old not in tree:
            raise FormatError(f"the patch changes {old}, which is not there")
        before = tree[old] if old else File(b"")
        if new:
            if not old and new in tree:
                raise FormatError(f"the patch makes {new}, which is there already")
            mode = {"100755": 0o755, "100644": 0o644}.get(part.target_mode or "", before.mode)
            changed[new] = File(_apply_hunks(part, before.data), mode)
        if old and old != new:
            removed.append(old)
    return Patched(changed, tuple(removed), tuple(unmapped))


def make_patch(before: Tree, after: Mapping[str, File]) -> str:
    """The unified diff that makes some files what they are in `after`; names that only `before` has are removed.

    Raises:
        FormatError: a file is not UTF-8 text, or has a name that no patch can hold.
    """
    parts = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if '"' in checked_path(name) or " b/" in name:
            raise FormatError(f"{name!r}: no patch can name it")
        parts.append(_header(name, old, new))
        a, b = (_lines(name, file.data) if file else [] for file in (old, new))
        from_name, to_name = (f"{side}/{name}" if file else _NOTHING for side, file in (("a", old), ("b", new)))
        for line in difflib.unified_diff(a, b, from_name, to_name):
            parts.append(line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}")
    return "".join(parts)


def touched(text: str) -> tuple[str, ...]:
    """The names of all files that a patch reads or writes.

    Raises:
        FormatError: it is no unified diff.
    """
    names = (_name(name) for part in _parse(text) for name in (part.source_file, part.target_file))
    return tuple(dict.fromkeys(name for name in names if name))


def _parse(text: str) -> list[PatchedFile]:
    try:
        parts = list(PatchSet(_split(text)))
    except (UnidiffParseError, ValueError) as error:
        raise FormatError(f"not a unified diff: {str(error).strip()[:200]}") from error
    if text.strip() and not parts:
        raise FormatError("not a unified diff: it names no file")
    return parts


def _split(text: str) -> list[str]:
    """Lines by "\\n" alone: other characters that end a line elsewhere may stand in code."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([f"{lines[-1]}\n"] if lines[-1] else [])


def _name(name: str | None) -> str:
    """The path in the repository; empty for nothing."""
    if not name or name == _NOTHING:
        return ""
    if name.startswith('"') and name.endswith('"'):
        try:
            name = name[1:-1].encode("latin-1").decode("unicode_escape").encode("latin-1").decode("utf-8")
        except UnicodeError as error:
            raise FormatError(f"the patch names {name}, which is not UTF-8") from error
    return checked_path(name[2:] if name[:2] in ("a/", "b/") else name)


def _apply_hunks(part: PatchedFile, data: bytes) -> bytes:
    lines = [] if not data else data.split(b"\n")
    source = [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines and lines[-1] else [])
    made: list[bytes] = []
    at = 0
    for hunk in part:
        start = hunk.source_start - 1 if hunk.source_length else hunk.source_start
        if start < at or start > len(source):
            raise FormatError(f"the patch does not fit {part.path}: it names line {hunk.source_start}")
        made += source[at:start]
        at = start
        for kind, line in _hunk_lines(hunk):
            if kind in " -":
                if source[at : at + 1] != [line]:
                    raise FormatError(f"the patch does not fit {part.path}: line {at + 1} is not what it says")
                at += 1
            if kind in " +":
                made.append(line)
    made += source[at:]
    if any(not line.endswith(b"\n") for line, _ in pairwise(made)):
        raise FormatError(f"the patch does not fit {part.path}: a line without its end is followed by another")
    return b"".join(made)


def _hunk_lines(hunk: object) -> list[tuple[str, bytes]]:
    """Each line's kind (one of " -+") and bytes."""
    said: list[tuple[str, bytes]] = []
    for line in hunk:  # type: ignore[attr-defined]
        if line.line_type == "\\" and said:
            kind, data = said[-1]
            said[-1] = (kind, data.removesuffix(b"\n"))
        elif line.line_type in (" ", "-", "+"):
            said.append((line.line_type, line.value.encode("utf-8", "surrogatepass")))
    return said


def _header(name: str, old: File | None, new: File | None) -> str:
    head = f"diff --git a/{name} b/{name}\n"
    if old is None and new is not None:
        return f"{head}new file mode {_mode(new)}\n"
    if new is None and old is not None:
        return f"{head}deleted file mode {_mode(old)}\n"
    if old and new and _mode(old) != _mode(new):
        return f"{head}old mode {_mode(old)}\nnew mode {_mode(new)}\n"
    return head


def _mode(file: File) -> str:
    return "100755" if file.mode & 0o100 else "100644"


def _lines(name: str, data: bytes) -> list[str]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"{name}: not UTF-8 text, so no patch can hold it") from error
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
