"""What an episode changed in the end: the recorded diffs put together, file by file.

A line that was changed and put back is no change, however many steps it took. Diffs are read strictly, by the counts
that their hunks give: a file's own lines may look like headers, and a policy chooses them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from journeyman.envs.episode import Step

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_MODE = re.compile(r"mode of (.+) changed: (?:not )?executable")
_MORE = re.compile(r"and \d+ more files, changed or not")
_NO_END = "\\ No newline at end of file"
_MOST_LOOKED_BACK = 8
"""So many steps' files are put together again: a report may hold thousands of claims."""
_MAY_CHANGE_FILES = ("edit", "write", "run")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that stood together, and what stands there since; context lines are in both."""

    start: int
    """Of the first old line, from 0."""
    old: tuple[str, ...]
    new: tuple[str, ...]
    """Each with "\\n" at its end but for a last line that has none."""


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file of a step's diff."""

    path: str
    was_there: bool = True
    is_there: bool = True
    hunks: tuple[Hunk, ...] | None = ()
    """None where the diff only names the file."""
    mode: bool = False
    """Only whether it can be executed changed."""


def file_diffs(diff: str) -> tuple[list[FileDiff], bool]:
    """The files of a recorded diff, and whether these are all: a very long diff counts the rest only."""
    lines, at, found, whole = diff.split("\n"), 0, list[FileDiff](), True
    while at < len(lines):
        line = lines[at]
        if line.startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ "):
            old, new = line[4:], lines[at + 1][4:]
            path = new[2:] if new != "/dev/null" else old[2:]
            at += 2
            if at < len(lines) and lines[at].startswith("Binary or large file, now "):
                hunks, at = None, at + 1
            else:
                hunks, at = _hunks(lines, at)
            found.append(FileDiff(path, old != "/dev/null", new != "/dev/null", hunks))
            continue
        if mode := _MODE.fullmatch(line):
            found.append(FileDiff(mode[1], mode=True))
        whole = whole and _MORE.fullmatch(line) is None
        at += 1
    return found, whole


def _hunks(lines: Sequence[str], at: int) -> tuple[tuple[Hunk, ...], int]:
    found = []
    while at < len(lines) and (head := _HUNK.match(lines[at])):
        start, left, right = int(head[1]), int(head[2] or 1), int(head[4] or 1)
        old, new, at = list[str](), list[str](), at + 1
        while at < len(lines) and (left > 0 or right > 0 or lines[at] == _NO_END):
            mark, text = lines[at][:1], lines[at][1:] + "\n"
            if lines[at] == _NO_END:
                last = lines[at - 1][:1]
                if old and last in "- ":
                    old[-1] = old[-1].removesuffix("\n")
                if new and last in "+ ":
                    new[-1] = new[-1].removesuffix("\n")
            elif mark in ("-", " ", "+"):
                if mark != "+":
                    old.append(text)
                    left -= 1
                if mark != "-":
                    new.append(text)
                    right -= 1
            else:
                break
            at += 1
        found.append(Hunk(max(start - 1, 0) if old else start, tuple(old), tuple(new)))
    return tuple(found), at


@dataclass(slots=True)
class _File:
    """A file against how the episode found it: pieces of the original by line numbers, and lines that are new."""

    was_there: bool
    is_there: bool
    pieces: list[tuple[int, int] | list[str]] = field(default_factory=lambda: [(0, _END)])
    known: dict[int, str] = field(default_factory=dict)
    """Original lines that some hunk showed, by number from 0."""
    blind: bool = False
    """Some change of it was not told line by line."""
    modes: int = 0
    steps: list[int] = field(default_factory=list)

    def apply(self, diff: FileDiff) -> None:
        if diff.mode:
            self.modes += 1
            return
        self.is_there = diff.is_there
        if diff.hunks is None:
            self.blind = True
        else:
            for hunk in reversed(diff.hunks):
                self._put(hunk)

    def _put(self, hunk: Hunk) -> None:
        before, rest = _split(self.pieces, hunk.start)
        gone, after = _split(rest, len(hunk.old))
        number = 0
        for piece in gone:
            if isinstance(piece, tuple):
                for line in range(*piece):
                    self.known[line] = hunk.old[number]
                    number += 1
            else:
                number += len(piece)
        self.pieces = [*before, *([list(hunk.new)] if hunk.new else []), *after]

    def changed(self) -> bool:
        """Whether it is another than at first. A file of which too little was told counts as changed."""
        if self.was_there != self.is_there or self.modes % 2:
            return True
        if not self.was_there:
            return False
        if self.blind:
            return True
        reached, new = 0, list[str]()
        for piece in self.pieces:
            if isinstance(piece, list):
                new += piece
                continue
            if not self._same(reached, piece[0], new):
                return True
            reached, new = piece[1], []
        return reached != _END or bool(new)

    def _same(self, start: int, end: int, new: Sequence[str]) -> bool:
        """Whether lines from `start` to `end` of the original are these."""
        return end - start == len(new) and all(self.known.get(start + n) == line for n, line in enumerate(new))


_END = 1 << 60
"""As many lines as no file has: where the original's end lies nobody says."""


def _split(
    pieces: list[tuple[int, int] | list[str]], count: int
) -> tuple[list[tuple[int, int] | list[str]], list[tuple[int, int] | list[str]]]:
    """The first `count` lines, and the rest."""
    for number, piece in enumerate(pieces):
        size = piece[1] - piece[0] if isinstance(piece, tuple) else len(piece)
        if count < size:
            if not count:
                return pieces[:number], pieces[number:]
            if isinstance(piece, tuple):
                middle = piece[0] + count
                return [*pieces[:number], (piece[0], middle)], [(middle, piece[1]), *pieces[number + 1 :]]
            return [*pieces[:number], piece[:count]], [piece[count:], *pieces[number + 1 :]]
        count -= size
    return pieces, []


class Changes:
    """What the steps changed, by path. Steps are counted from 1."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._files: dict[str, _File] = {}
        self._steps = steps
        self._looked_back: dict[int, bool] = {}
        self.of_step: dict[int, frozenset[str]] = {}
        """Paths that a step changed; steps that changed nothing have no place here."""
        self.named: dict[str, list[int]] = {}
        """Function or class → steps whose diff adds or removes its first line."""
        self.seen = True
        """Whether the record tells of every change."""
        for number, step in enumerate(steps, 1):
            if step.diff:
                self._read(number, step.diff)
            elif not step.tree_hash and step.observation.ok and step.action.tool in _MAY_CHANGE_FILES:
                self.seen = False  # a record from elsewhere, which keeps no file states
        self._hashes = [step.tree_hash for step in steps]
        self._changing = sorted(self.of_step)
        self._first = self._changing[0] if self._changing else len(steps) + 1
        self.last = self._last(steps)
        """The last step that left other files than the end has; 0 where none did."""
        self._ordered = sorted(self._files)
        put_back = bool(steps) and 1 not in self.of_step and 1 in self._same_as_end
        self.net = frozenset(path for path, file in self._files.items() if not put_back and file.changed())
        """Paths that are not as the episode found them."""

    def _read(self, number: int, diff: str) -> None:
        found, whole = file_diffs(diff)
        self.seen = self.seen and whole
        self.of_step[number] = frozenset(file.path for file in found)
        for each in found:
            file = self._files.setdefault(each.path, _File(each.was_there, each.was_there))
            file.apply(each)
            file.steps.append(number)
        for match in _DEFINITION.finditer(diff):
            self.named.setdefault(match[1], []).append(number)

    def _last(self, steps: Sequence[Step]) -> int:
        last = max((n for n in self.of_step if not self._leaves_waste(n, steps[n - 1])), default=0)
        end = self._hashes[-1] if self._hashes else ""
        self._same_as_end = {n for n, hash_ in enumerate(self._hashes, 1) if hash_ and hash_ == end}
        return last

    def _leaves_waste(self, number: int, step: Step) -> bool:
        """Whether all that it changed are new files that a test run left, none of them code or settings."""
        if step.action.tool != "test":
            return False
        found, whole = file_diffs(step.diff)
        return whole and all(not each.was_there and not _MATTERS.search(each.path) for each in found)

    def is_current(self, number: int) -> bool:
        """Whether what a step saw is what the end has: nothing changed since, or all of it was put back."""
        if number >= self.last:
            return number > self.last or number not in self.of_step
        return number in self._same_as_end and number not in self.of_step

    def same_files(self, first: int, second: int) -> bool:
        """Whether two steps that changed nothing saw the same files."""
        if bisect_right(self._changing, first) != bisect_right(self._changing, second):
            hashes = self._hashes[first - 1], self._hashes[second - 1]
            return bool(hashes[0]) and hashes[0] == hashes[1]
        return True

    def as_at_first(self, number: int) -> bool:
        """Whether a step that changed nothing saw the files as the episode found them; no where that is dear to say."""
        if number < self._first:
            return True
        if number in self.of_step or not self.seen:
            return False
        if self._first > 1 and (before := self._hashes[self._first - 2]):
            return self._hashes[number - 1] == before
        if number not in self._looked_back and len(self._looked_back) < _MOST_LOOKED_BACK:
            self._looked_back[number] = not Changes(self._steps[:number]).net
        return self._looked_back.get(number, False)

    def gone(self, path: str) -> bool:
        """Whether some step took it away, be it one that some step had made."""
        return path in self._files and not self._files[path].is_there

    def steps_of(self, path: str) -> list[int]:
        """The steps that changed it, or a file below it."""
        if path in self._files:
            return self._files[path].steps
        return sorted({n for each in self.below(path) for n in self._files[each].steps})

    def below(self, folder: str) -> list[str]:
        """Paths in a folder that some step changed."""
        first = bisect_right(self._ordered, folder + "/")
        return list(takewhile(lambda path: path.startswith(folder + "/"), self._ordered[first:]))

    def removed(self, path: str) -> bool:
        """Whether it was there and is no more."""
        return self.gone(path) and self._files[path].was_there

    def made(self, path: str) -> bool:
        """Whether it was not there at first and some step made it."""
        return path in self._files and not self._files[path].was_there


_DEFINITION = re.compile(r"^[-+]\s*(?:async\s+)?(?:def|class)\s+(\w+)", re.MULTILINE)
_MATTERS = re.compile(r"\.(?:py|pyi|pth|so|toml|cfg|ini|js|ts|go|rs|json)$|(?:^|/)conftest")
