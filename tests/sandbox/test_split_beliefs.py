"""What the tests' side does not believe: answers that tell it what it wants to hear, and ends before the assertions."""

from __future__ import annotations

import argparse
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from journeyman.sandbox.inside.split.mirror import ModuleMirror
from journeyman.sandbox.inside.split.plugin import SplitPlugin
from journeyman.sandbox.inside.split.subject import SubjectFinder
from journeyman.sandbox.inside.split.values import CannotCross

from .test_split_peer import Sides

CODE = '''
class Near:
    """Differs from nothing."""
    def __sub__(self, other): return self
    __add__ = __radd__ = __rsub__ = __sub__
    def __abs__(self): return 0.0
    def __neg__(self): return self
    def __round__(self, digits=0): return 0.0
    def __float__(self): return 0.0
    def __bool__(self): return False
    def __len__(self): return 2

class Quiet:
    def __enter__(self): return self
    def __exit__(self, *error): return True
    def fail(self): raise KeyError("of the code's own")

class Once:
    def __iter__(self): return self
    def __next__(self): raise StopIteration

def same(a): return a
def stop(*args): raise StopIteration
class Kept(dict):
    def hello(self): return "hello"

def swallow(function):
    try: function()
    except AssertionError: pass
'''


@pytest.fixture
def sides() -> Iterator[Sides]:
    made = Sides()
    exec(CODE, vars(sys.modules["code_under_test"]))
    yield made
    made.close()


@pytest.fixture
def code(sides: Sides) -> Any:
    return sides.tests.ask("import", 0, "code_under_test")


def test_no_number_comes_out_of_arithmetic_with_what_is_expected(code: Any) -> None:
    for measure in (
        lambda near: abs(near - 0.8) < 1e-9,
        lambda near: abs(0.8 - near) < 1e-9,
        lambda near: abs(-(near - 0.8)) < 1e-9,
        lambda near: round(near - 0.8, 7) == 0,
        lambda near: not near - 0.8,
        lambda near: float(near + near - 0.8) == 0,
    ):
        with pytest.raises(CannotCross, match="cannot be believed"):
            measure(code.Near())


def test_a_number_comes_out_of_what_was_not_told_any(code: Any) -> None:
    assert abs(code.Near()) == 0
    assert float(sum([code.Near(), code.Near()])) == 0  # from 0 on
    assert len(code.Near() - 0.8) == 2


def test_the_code_ends_no_block_before_its_assertions(code: Any) -> None:
    with pytest.raises(AssertionError), code.Quiet():
        assert code.Near() is None
    with pytest.raises(KeyError), code.Quiet() as quiet:
        quiet.fail()
    with pytest.raises(TypeError), code.Quiet():
        len(7)  # type: ignore[arg-type]
    with code.Quiet():
        raise ValueError("of the tests'")


def test_a_failed_assertion_is_known_where_the_code_swallows_it(sides: Sides, code: Any) -> None:
    def check() -> None:
        assert sides is None, "it is not"

    code.swallow(check)
    assert "it is not" in sides.tests.refuted


def test_the_code_stops_no_iteration_but_its_own(code: Any) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        all(map(code.stop, [1, 2]))
    assert list(code.Once()) == []


def test_a_refusal_is_no_error_that_a_test_waits_for(code: Any) -> None:
    with pytest.raises(CannotCross) as caught:
        code.stop(sys)
    assert not isinstance(caught.value, TypeError)


def test_a_star_import_takes_no_name_from_the_tests(code: Any) -> None:
    there = sys.modules["code_under_test"]
    assert isinstance(code, ModuleMirror)
    brought = ["stop", "swallow", "len", "pytest", "pytest_plugins", "pytestmark", "__builtins__", "@py_builtins"]
    vars(there).update({"__all__": brought} | dict.fromkeys(brought[2:], there.stop))
    importing = types.ModuleType("importing")
    vars(importing).update(pytest=pytest, code=code, stop=code.swallow)
    before = sys.modules[there.__name__]
    sys.modules[there.__name__] = code
    try:
        exec("from code_under_test import *", vars(importing))
    finally:
        sys.modules[there.__name__] = before
    assert {name for name, value in vars(importing).items() if value is code.stop} == {"stop"}
    assert importing.pytest is pytest
    assert list(code.__all__) == brought


def test_the_content_of_a_container_is_a_container(sides: Sides, code: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its answers would be its maker's."""
    kept, yes = code.Kept(a=1), argparse.Namespace()
    vars(yes).update(dict.fromkeys(("__eq__", "__contains__"), lambda other: True))
    before = sides.code.guard.perform
    monkeypatch.setattr(sides.code.guard, "perform", lambda op, *about: yes if op == "content" else before(op, *about))
    for ask in (lambda: kept == {"a": 2}, lambda: kept == {"a": 2}, lambda: "b" in kept):
        with pytest.raises(CannotCross, match="no plain data"):
            ask()


def test_a_namespace_is_nothing_else(code: Any) -> None:
    given = argparse.Namespace(size=1)
    vars(given)["__class__"] = code.Quiet
    arrived = code.same(given)
    assert type(arrived) is argparse.Namespace
    assert vars(arrived) == vars(given)


def test_what_is_imported_is_a_module(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others bring what they like in a star import."""
    finder = SubjectFinder(sides.tests, ["in_its_place", "code_under_test"], [])
    monkeypatch.setitem(sys.modules, "in_its_place", argparse.Namespace(__all__=["pytest"], __spec__=None))
    with pytest.raises(CannotCross, match="no module"):
        finder.find_spec("in_its_place")
    assert finder.find_spec("code_under_test") is not None


def test_no_function_of_the_tests_stands_in_for_a_test(sides: Sides, code: Any) -> None:
    """A decorator of the code's may have given back another one than it was given."""

    def nothing() -> None: ...

    def test_it() -> None: ...

    def item(function: Any) -> Any:
        module = types.SimpleNamespace(__name__=__name__)
        return types.SimpleNamespace(obj=function, function=function, cls=None, originalname="test_it", module=module)

    test_it.__qualname__ = "test_it"
    items = [item(code.same(test_it)), item(nothing)]  # the other one never was there
    SplitPlugin(sides.tests).pytest_collection_modifyitems(items)
    assert len(items) == 2
    items.append(item(code.same(nothing)))
    SplitPlugin(sides.tests).pytest_collection_modifyitems(items)
    assert [one.function for one in items] == [test_it]
