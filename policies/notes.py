"""What an engineer has seen so far: names, paths and numbered lines, read off the observations."""

from __future__ import annotations

import re
from collections.abc import Sequence

from journeyman.envs.observation import Observation
from journeyman.envs.text import clean
from journeyman.policies.edits import LineEdit

_FARTHEST = 9
"""So many lines from where it was known to be a line is recognised."""
_HEAD = re.compile(r"(?:edited )?(\S.*?):\d+(?:-\d+)?(?: of \d+)?")
_LINE = re.compile(r"(\d+)\|(.*)")
_SOME_FAIL = re.compile(r"\d+ (?:failed|error)")
_ALL_PASS = re.compile(r"\d+ passed[^;]*")


class Notes:
    """Grows with each observation; says whether a line may be edited by number without guessing."""

    def __init__(self) -> None:
        self._text = ""
        self._words: set[str] = set()
        self._lines: dict[str, dict[int, str]] = {}
        self.tests_pass = False
        """Whether the last test run was complete and all of it passed."""
        self.tests_fail = False
        """Whether the last test run found something failing, and nothing was changed since."""

    def read(self, observation: Observation) -> None:
        self._text += f"\n{observation.text}"
        self._words.update(re.findall(r"\w+", observation.text))
        if observation.tool == "test":
            headline = observation.text.split("\n", 1)[0]
            self.tests_pass = bool(_ALL_PASS.fullmatch(headline))
            self.tests_fail = bool(_SOME_FAIL.search(headline))
        elif observation.tool in ("edit", "write", "run"):
            self.tests_fail = False
        if observation.tool in ("view", "edit"):
            self._read_lines(observation.text)

    def names(self, symbol: str) -> bool:
        """Whether a function or class was named."""
        return symbol.rsplit(".", 1)[-1] in self._words

    def as_known(self, symbol: str) -> str:
        """A dotted name without the classes that nobody has mentioned: an engineer does not guess them."""
        *outer, last = symbol.split(".")
        while outer and outer[0] not in self._words:
            del outer[0]
        return ".".join([*outer, last])

    def has_path(self, path: str) -> bool:
        return path in self._text

    def shows(self, path: str, line: int) -> bool:
        """Whether a line was shown under the number that it still has."""
        return line in self._lines.get(path, ())

    def shows_any(self, path: str) -> bool:
        """Whether any line of it was shown."""
        return bool(self._lines.get(path))

    def shift_of(self, path: str, lines: Sequence[str], line: int, end: int) -> int:
        """How many lines further down than they are known to stand those from `line` to `end` were shown. All that was
        shown of the lines up to there must agree; 0 where none is recognised."""
        shown = self._lines.get(path, {})
        for shift in sorted(range(-_FARTHEST, _FARTHEST + 1), key=abs):
            told = [n for n in shown if 0 < n - shift <= min(end, len(lines))]
            is_there = line + shift in shown if shift else bool(told)
            if is_there and all(clean(lines[n - shift - 1]) == shown[n] for n in told):
                return shift
        return 0

    def is_as(self, path: str, lines: Sequence[str]) -> bool:
        """Whether all that was shown of a file stands so in these lines."""
        return all(n <= len(lines) and clean(lines[n - 1]) == text for n, text in self._lines.get(path, {}).items())

    def lines_of(self, path: str) -> dict[int, str]:
        """What was shown of a file, by number; for `put_back`."""
        return dict(self._lines.get(path, {}))

    def put_back(self, path: str, lines: dict[int, str]) -> None:
        """As it was before an edit that was not done."""
        self._lines[path] = lines

    def forget(self, path: str) -> None:
        """Its lines must be looked at again before they are edited."""
        self._lines.pop(path, None)

    def edited(self, path: str, edit: LineEdit) -> None:
        """Lines below an edit have other numbers now; those that it wrote are known once its answer shows them."""
        shift = len(edit.new) - (edit.end - edit.line + 1)
        known = self._lines.get(path, {})
        self._lines[path] = {
            line + shift if line > edit.end else line: text
            for line, text in known.items()
            if not edit.line <= line <= edit.end
        }

    def _read_lines(self, text: str) -> None:
        path, shown = "", dict[str, dict[int, str]]()
        for line in text.split("\n"):
            if number := _LINE.match(line):
                shown.setdefault(path, {})[int(number.group(1))] = number.group(2)
            elif head := _HEAD.fullmatch(line):
                path = head.group(1)
        for path, lines in shown.items():
            known = self._lines.get(path, {})
            if any(known.get(n, lines[n]) != lines[n] for n in lines):
                known = {}  # it is not as it was shown before: the newest counts
            self._lines[path] = known | lines
