"""Tests on one side, code on the other: what crosses works as if both were one process, and nothing else crosses."""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
import types
from pathlib import Path
from typing import Any

import pytest

from journeyman.sandbox.inside.split.guard import TestsGuard
from journeyman.sandbox.inside.split.mirror import Mirrors
from journeyman.sandbox.inside.split.peer import LinkLost, Peer
from journeyman.sandbox.inside.split.values import CannotCross
from journeyman.sandbox.inside.split.wire import LENGTH, Wire
from tests.sandbox.sides import Sides


def test_data_goes_and_comes(code: Any) -> None:
    value = {"a": [1, (2.5, None)], b"k": {3, 4}}
    assert code.same(value) == value


def test_an_argument_is_changed_in_place_and_comes_back_as_itself(code: Any) -> None:
    items = [1]
    assert code.fill(items, [2, 3]) is items
    assert items == [1, 2, 3]


def test_objects_stay_there_and_have_one_mirror(code: Any) -> None:
    money = code.Money(3)
    assert code.same(money) is money
    assert isinstance(money, code.Money)
    assert (type(money).__name__, money.amount, repr(money)) == ("Money", 3, "Money(amount=3)")
    assert money == code.Money(3) != code.Money(4)
    assert hash(money) == hash(code.Money(3))
    assert (money + code.Money(1)).amount == 4
    assert money < code.Money(4)
    with pytest.raises(AttributeError):
        money.colour  # noqa: B018


def test_containers_iterators_and_contexts(code: Any) -> None:
    shelf = code.Shelf()
    assert (len(shelf), list(shelf), shelf[1], "a" in shelf, "c" in shelf, bool(shelf)) == (
        2, ["a", "b"], "b", True, False, True,
    )  # fmt: skip
    assert list(code.count(3)) == [0, 1, 2]
    log: list[str] = []
    with code.quietly(log.append) as value:
        assert value == 5
        raise KeyError("k")
    assert log == ["in", "k"]


def test_enumerations_and_named_tuples(code: Any) -> None:
    assert code.Colour("r") is code.Colour.RED
    assert [colour.value for colour in code.Colour] == ["r"]
    assert code.Kind.ONE == 1
    assert code.Kind.ONE.name == "ONE"
    point = code.Point(1, 2)
    assert point == (1, 2)
    assert point.y == 2


def test_data_classes_have_their_fields(code: Any) -> None:
    money = code.Money(5)
    assert [field.name for field in dataclasses.fields(code.Money)] == ["amount"]
    assert dataclasses.asdict(money) == {"amount": 5}
    assert dataclasses.replace(money, amount=7).amount == 7


def test_errors_come_as_what_they_are(code: Any) -> None:
    with pytest.raises(code.BadValue, match="no") as caught:
        code.bad()
    assert isinstance(caught.value, ValueError)
    assert (caught.value.args, caught.value.code) == (("no", 3), 7)
    with pytest.raises(RuntimeError) as wrapped:
        code.worse()
    assert isinstance(wrapped.value.__cause__, code.BadValue)
    with pytest.raises(SystemExit):
        code.leave()
    with pytest.raises(TypeError, match="unexpected keyword"):
        code.same(b=1)


def test_functions_of_the_tests_are_called_back_and_their_errors_pass_through(code: Any) -> None:
    class OwnError(Exception):
        pass

    def fail() -> None:
        raise OwnError("mine")

    assert code.apply(lambda a, b: a * b, 3, b=4) == 12
    assert code.apply(code.apply, lambda: code.apply(len, "abc")) == 3
    with pytest.raises(OwnError, match="mine"):
        code.apply(fail)
    seen: list[int] = []
    code.apply(seen.append, 5)
    assert seen == [5]


def test_a_function_of_the_tests_has_its_parameters_there(code: Any) -> None:
    def listed(a, /, b, c=[1], *rest, d, e=None, **others):  # type: ignore[no-untyped-def]  # noqa: B006
        return a, b, c, rest, d, e, others

    assert code.parameters(listed) == "(a, /, b, c=[1], *rest, d, e=None, **others)"
    assert code.apply(listed, 1, 2, d=3) == (1, 2, [1], (), 3, None, {})
    assert code.apply(listed, 1, 2, 3, 4, 5, d=6, e=7, f=8) == (1, 2, 3, (4, 5), 6, 7, {"f": 8})
    assert code.same(listed) is listed
    with pytest.raises(TypeError, match="missing"):
        code.apply(listed)


def test_an_object_of_the_tests_is_known_when_it_comes_back(code: Any) -> None:
    class Thing:
        size = 3
        _secret = 4

    thing = Thing()
    assert code.same(thing) is thing
    assert code.steal(thing, "size") == 3
    with pytest.raises(AttributeError):
        code.steal(thing, "_secret")
    guard = TestsGuard(str(Path(__file__).parent))
    for name in ("__globals__", "__code__", "__closure__", "__self__", "gi_frame", "f_globals"):
        for value in (test_data_goes_and_comes, thing, Thing, (one for one in "x"), [].append):
            with pytest.raises((AttributeError, CannotCross)):
                guard.perform("get", value, name, [], {})


def test_an_opaque_object_equals_no_plain_data(code: Any) -> None:
    yes = code.Yes()
    assert yes != 3
    assert not yes == 3  # noqa: SIM201
    assert not 3 == yes  # noqa: SIM201, SIM300
    assert yes not in [1, 2]
    assert yes != [yes]
    assert 3 not in yes
    assert "a" not in yes
    for compare in (lambda: yes < 3, lambda: yes > 3, lambda: yes >= 3):
        with pytest.raises(TypeError):
            compare()
    for compute in (lambda: yes - 3, lambda: 3 - yes, lambda: abs(yes - 3) < 1e-6):
        with pytest.raises(CannotCross):
            compute()
    assert yes != pytest.approx(3)


def test_a_number_with_an_equality_of_its_own_is_a_number(code: Any) -> None:
    assert code.YesInt(3) != 4
    assert code.YesInt(3) == 3


@pytest.mark.parametrize(
    "private",
    [
        sys, os.environ, sys._getframe(), (lambda: 0).__code__, pytest, pytest.raises(ValueError), threading.Lock(),
        types.MappingProxyType, eval, exec, os.system,
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_leads_to_the_verdict_is_not_handed_over(code: Any, private: object) -> None:
    """Named functions of the standard library are looked up there; all else is refused here."""
    try:
        arrived = code.same(private)
    except CannotCross:
        return
    assert arrived is not private or private is types.MappingProxyType or callable(private)


def test_interrupts_skips_and_the_like_are_ordinary_failures(sides: Sides, code: Any) -> None:
    def skip() -> None:
        pytest.skip("I would rather not")

    with pytest.raises(pytest.skip.Exception):  # the tests' own
        code.apply(skip)
    answer = sides.code._refer_error(pytest.skip.Exception("x"), {}, 0)
    assert answer[:2] == ["std error", "RuntimeError"]
    assert sides.code._refer_error(KeyboardInterrupt(), {}, 0)[:2] == ["std error", "RuntimeError"]


def test_classes_of_the_code_cannot_be_derived_from(code: Any) -> None:
    class Mine(code.Shelf):  # type: ignore[misc]
        pass

    with pytest.raises(CannotCross, match="Mine derives from a class of the code under test"):
        Mine()


def test_too_much_at_once_is_refused_and_the_link_lives(code: Any) -> None:
    with pytest.raises(TypeError, match="more than can cross"):
        code.big()
    assert code.same(1) == 1


def test_a_method_that_a_test_replaces_comes_back(code: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(code.Shelf, "__len__", lambda self: 9)
        patch.setattr(code, "same", lambda value: "patched")
        assert code.apply(len, code.Shelf()) == 9
        assert code.same(1) == "patched"
    assert code.apply(len, code.Shelf()) == 2
    assert code.same(1) == 1


def test_forgotten_objects_are_forgotten_there(sides: Sides, code: Any) -> None:
    before = len(sides.code._exports._objects)
    for amount in range(50):
        code.Money(amount)
    code.same(1)
    assert len(sides.code._exports._objects) < before + 20


@pytest.mark.parametrize(
    "sent",
    [
        b"", b"nonsense", LENGTH.pack(2**31), LENGTH.pack(2) + b"[]", LENGTH.pack(4) + b"null",
        LENGTH.pack(9) + b'["ok", 1]',
        LENGTH.pack(25) + b'["ok", ["obj", 1], [], 0]', LENGTH.pack(30) + b'["raise", ["yours", 1], [], 0]',
        LENGTH.pack(26) + b'["ok", 1, [[0, [9]]], nul]', LENGTH.pack(40000) + b"[" * 40000,
    ],
)  # fmt: skip
def test_whatever_the_other_side_says_it_cannot_be_taken_for_an_answer(sent: bytes) -> None:
    (read, theirs), (ignored, write) = os.pipe(), os.pipe()
    peer = Peer(Wire(read, write, 0.5), TestsGuard("/nowhere"), is_trusted=True)
    peer.mirrors = Mirrors(peer)
    os.write(theirs, sent)
    os.close(theirs)
    with pytest.raises((LinkLost, RecursionError)):
        peer.ask("call", 1)
    for handle in (read, ignored, write):
        os.close(handle)


def test_silence_loses_the_link_for_good() -> None:
    (read, theirs), (ignored, write) = os.pipe(), os.pipe()
    peer = Peer(Wire(read, write, 0.2), TestsGuard("/nowhere"), is_trusted=True)
    peer.mirrors = Mirrors(peer)
    with pytest.raises(LinkLost, match="no answer in time"):
        peer.ask("call", 1)
    assert peer.fault
    with pytest.raises(LinkLost, match="no answer in time"):
        peer.ask("call", 1)
    for handle in (read, theirs, ignored, write):
        os.close(handle)
