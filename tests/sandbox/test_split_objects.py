"""Containers, callables and other objects that need more than a handle to be on the other side what they are here."""

from __future__ import annotations

import collections
import functools
import http
import itertools
import json
import operator
import socket
from typing import Any

import hypothesis
import pytest

from journeyman.sandbox.inside.split.values import CannotCross


def test_callables_that_the_standard_library_makes_of_others(code: Any) -> None:
    assert code.apply(functools.partial(lambda a, b: a - b, 5), 3) == 2
    assert code.apply(functools.partial(max, key=lambda item: -item), [1, 2]) == 1
    assert code.apply(operator.methodcaller("split", sep=","), "a,b") == ["a", "b"]
    assert code.apply(operator.itemgetter(0, 1), "abc") == ("a", "b")
    assert code.apply(operator.attrgetter("real"), 3) == 3
    assert code.apply(str.casefold, "ABC") == "abc"
    assert code.apply((3).__eq__, 3) is True
    with pytest.raises(CannotCross, match="method-wrapper cannot be handed"):
        code.apply((3).__getattribute__, "real")


def test_members_of_enumerations_of_the_standard_library(code: Any) -> None:
    assert code.apply(repr, http.HTTPStatus.NOT_FOUND) == "<HTTPStatus.NOT_FOUND: 404>"
    assert code.steal(socket.SocketKind.SOCK_STREAM, "name") == "SOCK_STREAM"
    assert code.same(http.HTTPStatus.OK) == 200


def test_a_container_of_a_class_of_its_own_arrives_as_the_nearest_plain_one(code: Any) -> None:
    class Counted(collections.defaultdict):  # type: ignore[type-arg]
        def __eq__(self, other: object) -> bool:
            return isinstance(other, collections.defaultdict) and super().__eq__(other)

        __hash__ = None  # type: ignore[assignment]

    assert type(code.same(Counted(int, a=1))) is collections.defaultdict
    assert code.same(Counted(int, a=1)) == Counted(int, a=1)
    assert code.apply(lambda: Counted(list))["new"] == []


def test_a_callable_object_of_an_installed_library_can_be_called_and_no_more(code: Any) -> None:
    parser = hypothesis.settings(max_examples=7)
    decorated = code.apply(parser, lambda: 3)
    assert decorated() == 3
    assert code.same(parser) is parser
    with pytest.raises(AttributeError):
        code.steal(parser, "max_examples")
    for runners_own in (pytest.mark.slow, pytest.approx(3)):
        with pytest.raises(CannotCross, match="cannot be handed"):
            code.apply(runners_own, 3)


def test_an_object_of_the_tests_is_copied_where_it_is(code: Any) -> None:
    class Thing:
        def __init__(self) -> None:
            self.parts = [1]

    thing = Thing()
    copied = code.copied(thing)
    assert copied is not thing
    assert copied.parts is thing.parts


def test_an_iterator_is_copied_where_it_is(code: Any) -> None:
    numbers = itertools.count(3)
    copied = code.copied(numbers)
    assert (next(copied), next(copied), next(numbers)) == (3, 4, 3)


def test_documentation_of_a_class_and_of_an_object(code: Any) -> None:
    assert code.Yes.__doc__ == "Says yes to everything."
    assert code.Documented("mine").__doc__ == "mine"


def test_a_container_with_ways_of_its_own_has_them_and_is_compared_by_what_it_holds(code: Any) -> None:
    multi = code.Multi([("a", 1), ("b", 2), ("a", 3)])
    assert isinstance(multi, code.Multi)
    assert isinstance(multi, dict)
    assert (multi["a"], multi.getlist("a"), multi.values()) == (3, [1, 3], [3, 2])
    assert (len(multi), list(multi)) == (2, ["a", "b"])
    assert multi == {"a": 3, "b": 2} == dict(multi)
    assert multi != {"a": 3}
    assert [multi] == [{"b": 2, "a": 3}]
    assert "a" in multi
    assert multi.keys() == {"a", "b"}
    assert (multi.pop("a"), "a" in multi, multi.get("a", 5)) == ([1, 3], False, 5)
    assert multi == code.Multi([("b", 2)])
    assert code.same(multi) is multi


def test_what_looks_past_the_methods_of_a_container_finds_its_content(code: Any) -> None:
    assert json.dumps(code.Recent()) == "{}"
    frozen = code.Frozen(a=1)
    assert (json.dumps(frozen), {**frozen}) == ('{"a": 1}', {"a": 1})
    some = code.YesSet([1, 2])
    assert (set(some), {1, 2}.issubset(some), {3}.isdisjoint(some), {1}.isdisjoint(some)) == ({1, 2}, True, True, False)
    some.add(3)
    assert set(code.same(some)) == {1, 2, 3}


def test_a_container_that_can_be_hashed_and_one_that_counts(code: Any) -> None:
    frozen = code.Frozen(a=1).changed("b", 2)
    assert {frozen: "found"}[frozen] == "found"
    assert frozen == {"a": 1, "b": 2}
    recent = code.Recent()
    recent["a"] = 1
    assert (recent["a"], recent["a"], recent.hits, recent) == (1, 1, 2, {"a": 1})


def test_a_socket_is_used_from_there(code: Any) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        code.send(theirs, b"hello")
        assert ours.recv(9) == b"hello"
        assert theirs.gettimeout() == 3
        for private in ("_io_refs", "_closed"):
            with pytest.raises(AttributeError):
                code.steal(theirs, private)
        with pytest.raises(TypeError, match="cannot be handed"):
            code.apply(theirs.makefile)


def test_a_container_that_says_yes_to_everything_is_what_it_holds(code: Any) -> None:
    yes = code.YesDict(a=1)
    assert yes.hello() == "hello"
    assert yes == {"a": 1}
    assert not yes == {"a": 2}  # noqa: SIM201
    assert not {"a": 2} == yes  # noqa: SIM201, SIM300
    assert ("a" in yes, "b" in yes, (1, 2) in yes) == (True, False, False)
    some = code.YesSet([1, 2])
    assert some == {1, 2}
    assert (some <= {1}, some.issubset({1}), some.isdisjoint({1}), (1, 2) in some) == (False, False, False, False)
    assert (some - {1}, {1, 2, 3} - some, some | {4}) == ({2}, {3}, {1, 2, 4})
    assert some.difference({1}) == {2}
