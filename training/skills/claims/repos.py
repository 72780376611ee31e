"""Small libraries of which we know everything: what fails, why, and what mends it. The claims benchmark plays on them.

Each has a package with one fault that two of its tests show, tests in two files (a class, a test with cases, a folder
of its own), a page of docs and a readme.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from journeyman.sandbox.sandbox import Environment
from journeyman.tasks.task import Budget, Check, CheckKind, Task
from journeyman.tasks.verdict import Assurance


@dataclass(frozen=True, slots=True)
class Repo:
    """One library, by the names that situations use."""

    name: str
    pkg: str
    mod: str
    faulty: str
    good: str
    klass: str
    argument: str
    wrong: str
    """The body's line that is at fault, without indentation."""
    right: str
    worse: str
    """Another wrong one, with which the same tests fail."""
    shows: tuple[str, str]
    """Two assertions that only the right one passes."""
    always: str
    """An assertion that each of the three passes."""

    @property
    def names(self) -> dict[str, str]:
        """What a situation's subjects can name."""
        file = f"tests/test_{self.mod}.py"
        return {
            "pkg": self.pkg, "src": f"{self.pkg}/{self.mod}.py", "mod": self.mod, "file": file,
            "other": "tests/more/test_plain.py", "folder": "tests/more", "helper": f"{self.pkg}/plain.py",
            "faulty": self.faulty, "good": self.good,
            "f": f"{file}::test_{self.faulty}_at_the_edge", "f2": f"{file}::test_{self.faulty}_beyond",
            "bare": f"test_{self.faulty}_at_the_edge", "p": f"{file}::test_{self.faulty}_plain",
            "param": f"{file}::test_{self.good}", "case": f"{file}::test_{self.good}[two]",
            "klass": f"{file}::Test{self.klass}", "method": f"{file}::Test{self.klass}::test_allows",
            "o": "tests/more/test_plain.py::test_twice", "wrong": self.wrong, "right": self.right, "worse": self.worse,
            "edge": self.shows[0],
        }  # fmt: skip

    @property
    def source(self) -> str:
        return (
            f'"""{self.klass}s and what belongs to them."""\n\n\n'
            f"def {self.faulty}({self.argument}):\n    {self.wrong}\n\n\n"
            f"def {self.good}(values):\n    return sum(values)\n\n\n"
            f"class {self.klass}:\n    def __init__(self, limit):\n        self.limit = limit\n\n"
            "    def allows(self, value):\n        return value <= self.limit\n"
        )

    @property
    def tests(self) -> str:
        stem = f"test_{self.faulty}"
        return (
            f"import pytest\n\nfrom {self.pkg}.{self.mod} import {self.klass}, {self.faulty}, {self.good}\n\n\n"
            f"def {stem}_at_the_edge():\n    {self.shows[0]}\n\n\ndef {stem}_beyond():\n    {self.shows[1]}\n\n\n"
            f"def {stem}_plain():\n    {self.always}\n\n\n"
            '@pytest.mark.parametrize("values, result", [([], 0), ([2, 3], 5)], ids=["none", "two"])\n'
            f"def test_{self.good}(values, result):\n    assert {self.good}(values) == result\n\n\n"
            f"class Test{self.klass}:\n    def test_allows(self):\n        assert {self.klass}(3).allows(3)\n"
        )

    @property
    def files(self) -> dict[str, str]:
        names = self.names
        return {
            f"{self.pkg}/__init__.py": "", names["src"]: self.source, names["file"]: self.tests,
            names["helper"]: "def twice(value):\n    return value + value\n",
            names["other"]: (
                f"from {self.pkg}.plain import twice\n\n\ndef test_twice():\n    assert twice(4) == 8\n\n\n"
                "def test_twice_nothing():\n    assert twice(0) == 0\n"
            ),
            "README.md": f"# {self.pkg}\n\nA library about {self.mod}.\n",
            "docs/guide.md": f"How to use {self.pkg}.\n\nCall `{self.good}`.\n",
        }  # fmt: skip

    def task(self, folder: Path) -> Task:
        """The library as a task below a folder."""
        names, repository = self.names, folder / self.name
        for path, text in self.files.items():
            (repository / path).parent.mkdir(parents=True, exist_ok=True)
            (repository / path).write_text(text, encoding="utf-8")
        return Task(
            name=f"claims-{self.name}", instruction=f"`{self.faulty}` is wrong at the edge. Mend it.",
            repository=repository, environment=Environment(), assurance=Assurance.FRESH,
            checks=(Check(id=names["f"]), Check(id=names["p"], kind=CheckKind.PASS_TO_PASS)),
            budget=Budget(max_steps=60, command_timeout_s=20, grading_timeout_s=30), test_paths=("tests",),
        )  # fmt: skip


REPOS = (
    Repo(
        "ledger", "ledger", "amounts", "round_up", "total", "Account", "value, step",
        "return value // step * step", "return -(-value // step) * step", "return value // step * step + 0",
        ("assert round_up(11, 5) == 15", "assert round_up(1, 10) == 10"), "assert round_up(10, 5) == 10",
    ),
    Repo(
        "parcels", "parcels", "weights", "is_free", "weigh", "Crate", "value, limit",
        "return value > limit", "return value >= limit", "return value > limit + 0",
        ("assert is_free(50, 50)", "assert is_free(0, 0)"), "assert not is_free(1, 50)",
    ),
    Repo(
        "routes", "routes", "segments", "join", "distance", "Road", "parts",
        'return "/".join(parts)', 'return "/".join(part.strip("/") for part in parts)', 'return "/".join(list(parts))',
        ('assert join(["a/", "b"]) == "a/b"', 'assert join(["a", "/b"]) == "a/b"'), 'assert join(["a", "b"]) == "a/b"',
    ),
    Repo(
        "diary", "diary", "entries", "first_words", "count", "Page", "text, number",
        "return text.split()[: number - 1]", "return text.split()[:number]", "return text.split()[: number - 1 or 0]",
        ('assert first_words("a b c", 2) == ["a", "b"]', 'assert first_words("a", 1) == ["a"]'),
        'assert first_words("", 2) == []',
    ),
)  # fmt: skip
