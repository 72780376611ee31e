"""Functions are found with their names and places, whatever stands around them."""

from __future__ import annotations

import inspect

from hypothesis import given
from hypothesis import strategies as st

from journeyman.tasks.sources.functions import find_functions

SOURCE = b'''
import functools


def plain(a, b=1, *rest, key: int = 2, **others) -> int:
    """What it does."""
    return a


class Shelf:
    @property
    @functools.cache
    def width(self):
        def inner(x):
            return x
        return inner(3)

    if True:
        async def later(self): ...


def \xc3\xbcber(s: str): return s
'''


def test_names_lines_and_parts() -> None:
    found = {function.qualname: function for function in find_functions(SOURCE)}
    assert list(found) == ["plain", "Shelf.width", "Shelf.width.inner", "Shelf.later", "über"]
    plain, width = found["plain"], found["Shelf.width"]
    assert plain.parameters == ("a", "b", "rest", "key", "others")
    assert plain.docstring is not None
    assert SOURCE[plain.docstring.start : plain.docstring.end] == b'"""What it does."""'
    assert (plain.first_line, plain.last_line, plain.lines) == (5, 7, 3)
    assert width.decorators == ("property", "functools.cache")
    assert (width.first_line, width.def_line) == (11, 13)
    assert width.is_method
    assert not plain.is_method
    assert found["Shelf.width.inner"].span in width.body


def test_the_first_line_is_the_interpreters() -> None:
    """Tests are tied to functions by the first line that a code object knows."""
    namespace: dict[str, object] = {}
    exec(compile(SOURCE, "snippet", "exec"), namespace)
    width = namespace["Shelf"].__dict__["width"].fget.__wrapped__  # type: ignore[attr-defined]
    found = {function.qualname: function for function in find_functions(SOURCE)}
    assert inspect.unwrap(width).__code__.co_firstlineno == found["Shelf.width"].first_line


@given(st.binary(max_size=200))
def test_any_bytes_can_be_looked_at(source: bytes) -> None:
    """A broken source has few functions or none; it never breaks the search, and spans stay inside it."""
    for function in find_functions(source):
        assert 0 <= function.span.start <= function.body.start <= function.body.end <= len(source)
