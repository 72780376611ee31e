"""Stubs keep what a contract gives, and nothing of what it asks for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from journeyman.tasks.sources import functions
from journeyman.tasks.sources.contract import calls_of, contract
from journeyman.tasks.sources.stubs import find_units, stub

SOURCE = b'''\
import math


def plain(a, b=1, *rest):  # a remark on how
    # first the sum
    return a + b


def told(x: int) -> int:
    """Doubles.

    >>> told(2)
    4
    """
    def inner(y):
        return y * 2
    return inner(x)


def short(x): return x + 1


class Shape:
    """A shape."""

    def __init__(self, side):
        self.side = side

    @property
    def area(self):
        """Its area."""
        return self.side ** 2

    @area.setter
    def area(self, value):
        self.side = math.sqrt(value)

    def draw(self):
        """Abstract."""
        raise NotImplementedError

    def __del__(self):
        self.side = 0


def empty():
    pass
'''

STUBBED = b'''\
import math


def plain(a, b=1, *rest):
    raise NotImplementedError


def told(x: int) -> int:
    """Doubles.

    >>> told(2)
    4
    """
    raise NotImplementedError


def short(x): raise NotImplementedError


class Shape:
    """A shape."""

    def __init__(self, side):
        raise NotImplementedError

    @property
    def area(self):
        """Its area."""
        raise NotImplementedError

    @area.setter
    def area(self, value):
        raise NotImplementedError

    def draw(self):
        """Abstract."""
        raise NotImplementedError

    def __del__(self):
        self.side = 0


def empty():
    pass
'''


def test_signatures_and_docstrings_stay_and_bodies_go() -> None:
    units = find_units("shapes.py", SOURCE)
    assert [unit.id for unit in units] == [
        "shapes.py::plain", "shapes.py::told", "shapes.py::short", "shapes.py::Shape.__init__", "shapes.py::Shape.area",
    ]  # fmt: skip
    assert stub(SOURCE, [unit.qualname for unit in units]) == STUBBED
    assert stub(STUBBED, [unit.qualname for unit in units]) == STUBBED


def test_one_function_alone() -> None:
    changed = stub(SOURCE, {"short"})
    assert changed == SOURCE.replace(b"def short(x): return x + 1", b"def short(x): raise NotImplementedError")
    assert stub(SOURCE, ()) == SOURCE


def test_a_contract_holds_no_line_of_a_body() -> None:
    units = {unit.qualname: unit for unit in find_units("shapes.py", SOURCE)}
    tests = {"test_shapes.py": b"def test_plain():\n    assert plain(1, 2) == 3\n"}
    text = contract([units["plain"], units["told"], units["Shape.area"]], {"shapes.py": SOURCE}, tests)
    assert "def plain(a, b=1, *rest):" in text
    assert "assert plain(1, 2) == 3" in text
    assert '"""Doubles.\n\n    >>> told(2)' in text
    assert '```python\nclass Shape:\n    @property\n    def area(self):\n        """Its area."""' in text
    assert not any(line in text for line in ("a + b", "first the sum", "inner", "side ** 2", "math.sqrt"))


def test_long_docstrings_are_cut_to_their_first_paragraph() -> None:
    source = b'def f():\n    """First.\n\n' + b"    More.\n" * 90 + b'    """\n    return 1\n'
    text = contract(find_units("f.py", source), {"f.py": source}, {})
    assert '    """First."""' in text
    assert "More." not in text
    assert text.endswith("the stubs hold them whole.")


def test_callers_are_lines_that_call_it() -> None:
    text = b"def f(x):\n    return mod.f(1) + self.ff(2)\n# f(3)\nother_f(4)\ny = f(5)\n"
    assert list(calls_of("f", {"a.py": text})) == [("a.py", "return mod.f(1) + self.ff(2)"), ("a.py", "y = f(5)")]


@pytest.mark.parametrize("path", sorted(Path(functions.__file__).parent.glob("*.py")), ids=lambda path: path.name)
def test_every_module_of_our_own_can_be_stubbed(path: Path) -> None:
    source = path.read_bytes()
    units = find_units(path.name, source)
    tree = ast.parse(stub(source, {unit.qualname for unit in units}))
    assert {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} == {
        node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)
    }
