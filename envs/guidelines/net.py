"""What an episode's actions changed together: the diffs of its steps laid over each other.

A line that was added and taken out again is no change, nor is one that was put back as it was. Texts of lines are
known only as far as the diffs show them, which is enough for that: a place is as it was where it reads as it did,
whichever of several lines that are alike went and came back. What a test run leaves is laid over too, so that line
numbers stay right, but it is not the policy's change.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from sys import maxsize

from journeyman.envs.changes import ChangedFile, files_of, is_change
from journeyman.envs.episode import Step

MAX_COMPARED = 500
"""Lines of one place that are compared with what stood there; more are taken as they are."""


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    step: int
    """From 1: which wrote it, or took it out."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that stood together at the beginning, and what stands there at the end."""

    old: tuple[Line, ...]
    new: tuple[Line, ...]
    above: str | None = None
    """The line before the new ones, where it is known."""


@dataclass(frozen=True, slots=True)
class NetFile:
    """A file that is not as it was."""

    path: str
    was_there: bool
    is_there: bool
    steps: tuple[int, ...]
    """Which touched it, from 1."""
    blocks: tuple[Block, ...]
    """None where the diffs do not show its lines."""

    @property
    def added(self) -> list[Line]:
        return [line for block in self.blocks for line in block.new]

    @property
    def removed(self) -> list[Line]:
        return [line for block in self.blocks for line in block.old]


def net_changes(steps: Sequence[Step], diffs: Sequence[Sequence[ChangedFile]] | None = None) -> tuple[NetFile, ...]:
    """Every file that the policy left otherwise than it found it, in the order in which it came to them.

    Args:
        diffs: of each step its files (`files_of`), where they have been read before.
    """
    if steps and steps[0].tree_hash == steps[-1].tree_hash != "" and not steps[0].diff:
        return ()  # as the first look found it: of what diffs only name, and of long files, they do not show that
    files: dict[str, _File] = {}
    diffs = [files_of(step.diff) for step in steps] if diffs is None else diffs
    for number, (step, changed) in enumerate(zip(steps, diffs, strict=True), 1):
        for change in changed:
            file = files.setdefault(change.path, _File(change.was_there))
            file.apply(change, number, own=is_change(step))
    found = (file.net(path) for path, file in files.items())
    return tuple(file for file in found if file is not None)


@dataclass(slots=True)
class _Piece:
    """A run of lines: of the original file from `start` up to `stop`, or written since."""

    start: int = 0
    stop: int = 0
    new: list[Line] = field(default_factory=list)
    above: str | None = None

    @property
    def length(self) -> int:
        return self.stop - self.start or len(self.new)

    def split(self, at: int) -> tuple[_Piece, _Piece]:
        if self.stop:
            return _Piece(self.start, self.start + at), _Piece(self.start + at, self.stop)
        return _Piece(new=self.new[:at], above=self.above), _Piece(new=self.new[at:])


class _File:
    """One file as pieces; splicing a change in keeps what is known of the original."""

    def __init__(self, was_there: bool) -> None:
        self.was_there = self.is_there = was_there
        self.pieces = [_Piece(1, maxsize)]
        self.gone: dict[int, Line] = {}
        self.known: dict[int, str] = {}
        """Original lines that stood beside a change, by number."""
        self.steps: list[int] = []
        self.only_named = False

    def apply(self, change: ChangedFile, step: int, *, own: bool) -> None:
        self.is_there = change.is_there
        self.only_named |= not change.changes and not change.empty
        if own:
            self.steps.append(step)
        self._learn(change.beside)
        left, done, pieces = deque(self.pieces), 0, list[_Piece]()
        for each in sorted(change.changes, key=lambda each: each.line):
            begin = max(each.line, 1) - 1
            pieces += _take(left, begin - done)
            self._forget(_take(left, len(each.old)), each.old, step)
            if each.new:
                pieces.append(_Piece(new=[Line(text, step) for text in each.new], above=each.above))
            done = begin + len(each.old)
        self.pieces = [*pieces, *left]

    def _learn(self, lines: Sequence[tuple[int, str]]) -> None:
        """Keep what original lines say that are shown."""
        left, first = deque(self.pieces), 1
        for number, text in sorted(lines):
            while left and number >= first + left[0].length:
                first += left.popleft().length
            if left and left[0].stop:
                self.known[left[0].start + number - first] = text

    def _forget(self, pieces: Sequence[_Piece], texts: Sequence[str], step: int) -> None:
        """Keep what original lines said that are gone now."""
        at = 0
        for piece in pieces:
            if piece.stop:
                known = enumerate(texts[at : at + piece.length], piece.start)
                self.gone |= {number: Line(text, step) for number, text in known}
            at += piece.length

    def net(self, path: str) -> NetFile | None:
        """None where it is as it was, or nobody but a test run touched it."""
        blocks = [part for block in self._blocks() for part in _parts(block)]
        is_same = self.was_there == self.is_there and not blocks and not self.only_named
        if is_same or not self.steps or not (self.was_there or self.is_there):
            return None
        own = set(self.steps)
        return NetFile(
            path, self.was_there, self.is_there, tuple(self.steps),
            tuple(b for b in blocks if {line.step for line in (*b.new, *b.old)} & own),
        )  # fmt: skip

    def _blocks(self) -> Iterator[Block]:
        """What stands between the lines that were kept, but for places that read as they did."""
        was, now, blocks = list[str](), list[str](), list[Block]()
        for kept, block in self._between():
            was += [line.text for line in block.old]
            now += [line.text for line in block.new]
            blocks += [block] if block.old or block.new else []
            ahead = self._shown(range(kept.start, kept.stop))
            was += ahead
            now += ahead
            if len(ahead) == kept.length:
                continue
            if was != now:
                yield from blocks
            was = self._shown(range(kept.stop - 1, kept.start, -1))[::-1]
            now, blocks = [*was], []
        if was != now:
            yield from blocks

    def _shown(self, numbers: Iterable[int]) -> list[str]:
        """What these original lines say, up to the first that no diff shows."""
        found = list[str]()
        for number in numbers:
            if number not in self.known:
                break
            found.append(self.known[number])
        return found

    def _between(self) -> Iterator[tuple[_Piece, Block]]:
        """Each piece that was kept, with what stands before it since the last one."""
        gone = deque(sorted(self.gone.items()))
        new: list[Line] = []
        above: str | None = None
        for piece in [*self.pieces, _Piece(maxsize, maxsize)]:
            if not piece.stop:
                above = above if new else piece.above
                new += piece.new
                continue
            old = []
            while gone and gone[0][0] < piece.start:
                old.append(gone.popleft()[1])
            yield piece, Block(tuple(old), tuple(new), above)
            new, above = [], None


def _take(left: deque[_Piece], count: int) -> list[_Piece]:
    """The pieces of the next lines, so many as there are."""
    taken = []
    while left and count > 0:
        piece = left.popleft()
        if piece.length > count:
            piece, rest = piece.split(count)
            left.appendleft(rest)
        taken.append(piece)
        count -= piece.length
    return taken


def _parts(block: Block) -> list[Block]:
    """A block without the lines that were put back as they were."""
    old, new = [line.text for line in block.old], [line.text for line in block.new]
    if old == new:
        return []
    if max(len(old), len(new)) > MAX_COMPARED or not old or not new:
        return [block]
    # Of a long one the commonest lines are no marks to go by (autojunk): time would grow with the cube of its length.
    codes = SequenceMatcher(None, old, new).get_opcodes()
    return [
        Block(block.old[i:j], block.new[k:m], new[k - 1] if k else block.above)
        for kind, i, j, k, m in codes
        if kind != "equal"
    ]  # fmt: skip
