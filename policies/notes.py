"""What an engineer has seen so far: names, paths and numbered lines, read off the observations."""

from __future__ import annotations

import re

from journeyman.envs.observation import Observation
from journeyman.policies.edits import LineEdit

_HEAD = re.compile(r"(?:edited )?(\S.*?):\d+(?:-\d+)?(?: of \d+)?")
_LINE = re.compile(r"(\d+)\|")
_SOME_FAIL = re.compile(r"\d+ (?:failed|error)")
_ALL_PASS = re.compile(r"\d+ passed[^;]*")


class Notes:
    """Grows with each observation; says whether a line may be edited by number without guessing."""

    def __init__(self) -> None:
        self._text = ""
        self._words: set[str] = set()
        self._lines: dict[str, set[int]] = {}
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

    def forget(self, path: str) -> None:
        """Its lines must be looked at again before they are edited."""
        self._lines.pop(path, None)

    def edited(self, path: str, edit: LineEdit) -> None:
        """Lines below an edit have other numbers now; those that it wrote are known once its answer shows them."""
        shift = len(edit.new) - (edit.end - edit.line + 1)
        known = self._lines.get(path, set())
        self._lines[path] = {
            line + shift if line > edit.end else line for line in known if not edit.line <= line <= edit.end
        }

    def _read_lines(self, text: str) -> None:
        path = ""
        for line in text.split("\n"):
            if number := _LINE.match(line):
                self._lines.setdefault(path, set()).add(int(number.group(1)))
            elif head := _HEAD.fullmatch(line):
                path = head.group(1)
