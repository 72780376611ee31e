"""A mistake is one a person might make: one changed line, at the fault or beside it, neither the bug nor the fix."""

from __future__ import annotations

import ast
from pathlib import Path
from random import Random

from journeyman.envs.tools.textfile import TextFile
from journeyman.policies.edits import FileChange, solution_changes
from journeyman.policies.mistakes import mistaken
from tests.making import tiny_project, tiny_task

_AGE = """def is_adult(age, country):
    limit = 18
    if country == "JP":
        limit = 20
    return age {} limit
"""


def _lines_that_differ(one: TextFile, other: TextFile) -> int:
    assert len(one.lines) == len(other.lines)
    return sum(a != b for a, b in zip(one.lines, other.lines, strict=True))


def _file(text: str) -> TextFile:
    file = TextFile.parse(text.encode())
    assert file is not None
    return file


def test_mistakes_differ_from_the_bug_and_the_fix_by_a_line() -> None:
    change = FileChange("age.py", _file(_AGE.format(">")), _file(_AGE.format(">=")))
    wrongs = [mistaken(change, Random(seed)) for seed in range(40)]
    near = 0
    for wrong in wrongs:
        assert wrong is not None and change.before is not None
        assert wrong.text not in (change.before.text, change.after.text)
        ast.parse(wrong.text)
        assert _lines_that_differ(wrong, change.before) == 1, "one line was tried"
        near += _lines_that_differ(wrong, change.after) == 1
    assert 15 < near < 40, "most are nearly right, some are a guess next door"
    assert len({wrong.text for wrong in wrongs if wrong}) > 5


def test_the_same_seed_makes_the_same_mistake(tmp_path: Path) -> None:
    (change,) = solution_changes(tiny_task(tmp_path))
    assert mistaken(change, Random(3)) == mistaken(change, Random(3))


def test_a_stub_is_filled_nearly_right(tmp_path: Path) -> None:
    (change,) = solution_changes(tiny_project(tmp_path))
    wrong = mistaken(change, Random(0))
    assert wrong is not None
    assert _lines_that_differ(wrong, change.after) == 1


def test_methods_are_mistaken_at_their_own_indentation() -> None:
    before = 'class A:\n    def f(self, x):\n        """One\n  odd line."""\n        return x < 3\n'
    after = before.replace("<", "<=")
    wrong = mistaken(FileChange("a.py", _file(before), _file(after)), Random(0))
    assert wrong is not None
    ast.parse(wrong.text)
    assert wrong.lines[4].startswith("        return ")


def test_no_mistake_is_forced_where_none_can_be_thought_of() -> None:
    file, other = _file("one\ntwo\n"), _file("one\nthree\n")
    assert mistaken(FileChange("notes.txt", file, other), Random(0)) is None
    assert mistaken(FileChange("new.py", None, file), Random(0)) is None
