"""What tree-sitter finds in a file, and the mistakes that it must not miss."""

from __future__ import annotations

import sysconfig
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.tools import syntax
from journeyman.envs.tools.syntax import definitions, syntax_error

SOURCE = """import os


@cached
def outer(a, *, b=1) -> int:
    def inner():
        pass
    return a


class Box(Base):
    @property
    def size(
        self,
    ):
        return 1


if os:
    async def later(): ...
"""


def test_definitions_know_their_lines_decorators_and_nesting() -> None:
    assert [(d.name, d.start, d.end, d.header, d.depth) for d in definitions(SOURCE)] == [
        ("outer", 4, 8, "def outer(a, *, b=1) -> int", 0),
        ("outer.inner", 6, 7, "def inner()", 1),
        ("Box", 11, 16, "class Box(Base)", 0),
        ("Box.size", 12, 16, "def size( self, )", 1),
        ("later", 20, 20, "async def later()", 0),
    ]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("def f(:\n    pass\n", 1),
        ("x = (1,\n", 1),
        ("def f():\n    return 1)\n", 2),
        ("def f():\nreturn 1\n", 1),
        ("def f():\n    x = 1\n      y = 2\n", 3),
        ("def f():\n    x = 1\n  y = 2\n", 3),
        ("def f():\n    if x:\n    return 1\n", 2),
        ("def f():\n    x = 1\nreturn x\n", 3),
        ("def f():\n    if x:\n        y = 1\n      else:\n        y = 2\n", 2),
        ("x = 'abc\n", 1),
        ("if x:\n\ty = 1\n        z = 2\n", 3),
    ],
)
def test_broken_syntax_and_indentation_are_found(source: str, line: int) -> None:
    with pytest.raises(SyntaxError):
        compile(source, "broken", "exec")
    found = syntax_error(source)
    assert found is not None
    assert found[0] == line


def test_the_standard_library_is_sound() -> None:
    folder = Path(sysconfig.get_path("stdlib"))
    for path in sorted(folder.glob("*.py"))[::4]:
        assert syntax_error(path.read_text(encoding="utf-8")) is None, path


WORDS = """def f|class A|x|=|(|)|:|,|1|'|;|#|@|\\|else|try|return|if x:|async |match x:|case _:|é"""
fragments = st.sampled_from([*WORDS.split("|"), '"""', " ", "  ", "    ", "\t", "\n", "\r\n", "\x0c", "\x00", "\udcff"])


@given(st.lists(fragments, max_size=30).map("".join))
def test_no_text_makes_it_raise(text: str) -> None:
    count = text.count("\n") + 1
    for definition in definitions(text):
        assert 1 <= definition.start <= definition.end <= count
    if (error := syntax_error(text)) is not None:
        assert 1 <= error[0] <= count


def test_a_docstring_is_known_by_its_lines() -> None:
    source = 'def f():\n    # why\n    """One\n    two."""\n    return 1\n\n\ndef g():\n    "a" + "b"\n'
    assert [d.docstring for d in definitions(source)] == [(3, 4), None]


@pytest.mark.parametrize("hostile", ["(" * 300_000, "if x:\n " * 50_000, "é" * 600_000, "\x00\udce9", ""])
def test_hostile_text_neither_crashes_nor_takes_long(hostile: str) -> None:
    started = time.process_time()
    syntax_error(hostile)
    definitions(hostile)
    assert time.process_time() - started < 10


def test_a_file_that_takes_too_long_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte of continued lines would keep the supervisor busy for an hour."""
    monkeypatch.setattr(syntax, "PARSE_S", 0.05)
    slow = "\\\n" * 20_000
    assert (definitions("def f(): pass\n" + slow), syntax_error(slow + ")")) == ([], None)
