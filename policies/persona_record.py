"""What an engineer can tell of their own work: what was changed where, and what the tests said, as far as it was seen.

It is read off actions and observations alone, as `policies.notes` is: what nobody was shown is not told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Literal

from journeyman.envs.actions import Action
from journeyman.envs.observation import Observation

Tests = Literal["pass", "fail", "partly", "none"]
_HEAD = re.compile(r"(?:edited )?(\S.*?):\d+(?:-\d+)?(?: of \d+)?")
_LINE = re.compile(r"(\d{1,9})\|(.*)")
_DEFINED = re.compile(r"(\s*)(?:async )?(?:def|class|function|func|fn)\s+(\w+)")
_COUNT = re.compile(r"(\d+) (failed|passed|errors?)")
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]+")
_SHORT = 32
"""Characters of code that a sentence quotes."""
_BOTH = 48
"""Characters of two such pieces together."""
_MANY = 2000
"""Lines of one edit that are looked up."""


@dataclass(slots=True)
class Change:
    """Lines of a file that were changed, as they were before and are now."""

    path: str
    line: int
    """Of the first line, as it is now."""
    old: tuple[str, ...] | None
    """None where nobody was shown them, or the file is new."""
    new: tuple[str, ...]
    function: str = ""
    """Where it stands, if that was shown."""
    whole: bool = False
    """Whether the file was written as a whole."""

    @property
    def quoted(self) -> tuple[str, str] | None:
        """What stood there and what stands there, where both are short enough for a sentence."""
        if self.old is None:
            return None
        old, new = _trimmed(self.old, self.new)
        if len(old) != 1 or len(new) != 1:
            return None
        for before, after in (_differing(old[0], new[0]), (old[0].strip(), new[0].strip())):
            if before and after and _fits(before) and _fits(after) and len(before) + len(after) <= _BOTH:
                return before, after
        return None


@dataclass
class Record:
    """Grows with each exchange."""

    changes: list[Change] = field(default_factory=list)
    tests: Tests = "none"
    """What the last test run said of the files as they are now; "partly": only some were run."""
    failed_before: bool = False
    """Whether a test run failed before the first change."""
    failing: int | None = None
    """Tests that failed in the last run; None before the first."""
    untested: list[str] = field(default_factory=list)
    """Files that were changed since the last test run."""
    _lines: dict[str, dict[int, str]] = field(default_factory=dict)

    def read(self, action: Action | None, observation: Observation) -> None:
        """Take what was done, and what it was answered."""
        if action is not None and observation.ok and action.tool in ("edit", "write", "run"):
            self.tests = "none"
            self._did(action)
        if observation.tool == "test":
            self._tested(action, observation.text)
        if observation.tool in ("view", "edit"):
            self._shown(observation.text)

    @property
    def files(self) -> list[str]:
        return list(dict.fromkeys(change.path for change in self.changes))

    @property
    def functions(self) -> list[str]:
        return list(dict.fromkeys(change.function for change in self.changes if change.function))

    def _tested(self, action: Action | None, text: str) -> None:
        counts = {what.rstrip("s"): int(count) for count, what in _COUNT.findall(text.split("\n", 1)[0])}
        if not counts:
            return
        self.failing = counts.get("failed", 0) + counts.get("error", 0)
        self.failed_before |= bool(self.failing) and not self.changes
        is_whole = action is None or not action.arguments.get("target")
        self.tests = "fail" if self.failing else "pass" if is_whole else "partly"
        self.untested = []

    def _shown(self, text: str) -> None:
        path = ""
        for line in text.split("\n"):
            if (row := _LINE.fullmatch(line)) and path:
                self._lines.setdefault(path, {})[int(row.group(1))] = row.group(2)
            elif not row and (head := _HEAD.fullmatch(line)):
                path = head.group(1)

    def _did(self, action: Action) -> None:
        call = action.parsed_or_none()
        if call is None or action.tool == "run":
            return
        if call.path not in self.untested:
            self.untested.append(call.path)
        if action.tool == "write":
            self._put(Change(call.path, 1, None, tuple(call.content.split("\n")), whole=True))
            return
        known = self._lines.get(call.path, {})
        if call.old is not None:
            self._replaced(call.path, call.old, call.new, known)
            return
        end = call.end or call.line
        old = [known.get(number) for number in range(call.line, min(end, call.line + _MANY) + 1)]
        new = tuple(call.new.removesuffix("\n").split("\n")) if call.new else ()
        # Of a longer one not all was looked up.
        lines = None if None in old or end - call.line > _MANY else tuple(line for line in old if line is not None)
        self._shift(call.path, call.line, end, new)
        self._put(Change(call.path, call.line, lines, new, _around(known, call.line)), replaced=end - call.line + 1)

    def _replaced(self, path: str, old: str, new: str, known: dict[int, str]) -> None:
        """By its text: it is one of the lines that were shown, or stands nobody knows where."""
        first = old.strip("\n").split("\n")[0].strip()
        line = next((number for number, text in sorted(known.items()) if first and first in text), 0)
        self._lines.pop(path, None)
        self.changes.append(
            Change(path, line, tuple(old.split("\n")), tuple(new.split("\n")), _around(known, line) if line else "")
        )

    def _shift(self, path: str, line: int, end: int, new: Sequence[str]) -> None:
        shift = len(new) - (end - line + 1)
        known = self._lines.get(path, {})
        moved = {number + shift if number > end else number: text for number, text in known.items()
                 if not line <= number <= end}  # fmt: skip
        self._lines[path] = moved | dict(enumerate(new, line))

    def _put(self, made: Change, *, replaced: int = 0) -> None:
        """Lay a change over those before it: what was put back as it was is no change."""
        end, shift = made.line + replaced - 1, len(made.new) - replaced
        kept: list[Change] = []
        covered: list[Change] = []
        for change in self.changes:
            last = change.line + len(change.new) - 1
            if change.path != made.path or (not made.whole and last < made.line):
                kept.append(change)
            elif not made.whole and change.line > end:
                change.line += shift
                kept.append(change)
            elif not made.whole and change.line <= made.line and end <= last and not covered:
                at = made.line - change.line
                new = (*change.new[:at], *made.new, *change.new[at + replaced :])
                made = Change(change.path, change.line, change.old, new, change.function, change.whole)
            else:
                covered.append(change)
        for change in sorted(covered, key=lambda each: -each.line):  # from the last: lines above it keep their places
            made.old = _undone(made, change, replaced)
            made.function = made.function or ("" if made.whole else change.function)
        if made.old is None or made.old != made.new:
            kept.append(made)
        self.changes = kept


def _undone(made: Change, before: Change, replaced: int) -> tuple[str, ...] | None:
    """What stood in the place of a change before an earlier one that it covers; None where it covers only a part."""
    at, last = before.line - made.line, before.line + len(before.new) - made.line
    if made.old is None or before.old is None or at < 0 or last > replaced:
        return None
    return (*made.old[:at], *before.old, *made.old[last:])


def _around(known: dict[int, str], line: int) -> str:
    """The innermost definition that a line stands in, as far as its lines were shown."""
    indent = len(known.get(line, "")) - len(known.get(line, "").lstrip())
    for number in sorted((n for n in known if n <= line), reverse=True):
        found = _DEFINED.match(known[number])
        if found and (number == line or len(found.group(1)) < indent or not known.get(line, "").strip()):
            return found.group(2)
    return ""


def _trimmed(old: Sequence[str], new: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Without the lines that both begin or end with."""
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return old, new


def _differing(old: str, new: str) -> tuple[str, str]:
    """The one place where two lines differ; nothing where there are several."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    if max(len(before), len(after)) > 400:
        return "", ""
    codes = [code for code in SequenceMatcher(None, before, after, autojunk=False).get_opcodes() if code[0] != "equal"]
    if len(codes) != 1:
        return "", ""
    _, i, j, k, m = codes[0]
    return "".join(before[i:j]).strip(), "".join(after[k:m]).strip()


def _fits(code: str) -> bool:
    return len(code) <= _SHORT and "`" not in code and code.isprintable()
