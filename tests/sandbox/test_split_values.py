"""Plain data survives the way as JSON, and only plain data is made from JSON."""

from __future__ import annotations

import argparse
import collections
import datetime
import decimal
import enum
import fractions
import json
import math
import pathlib
import re
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.sandbox.inside.split.values import CannotCross, Decoder, Encoder, named, replace_content, standard_name

_TEXT = st.text(st.characters(exclude_categories=[]), max_size=8)
_NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False), st.complex_numbers(allow_nan=False))
_TIMES = st.one_of(
    st.dates(), st.datetimes(), st.timedeltas(), st.datetimes(timezones=st.just(datetime.UTC)), st.times()
)
_HASHABLE = st.recursive(
    st.one_of(st.none(), st.booleans(), _TEXT, _NUMBERS, st.binary(max_size=8), _TIMES, st.uuids(), st.fractions())
    | st.builds(decimal.Decimal, st.integers()),
    lambda inner: st.one_of(st.lists(inner, max_size=3).map(tuple), st.frozensets(inner, max_size=3)),
    max_leaves=8,
)
_VALUES = st.recursive(
    _HASHABLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(_HASHABLE, inner, max_size=4),
        st.sets(_HASHABLE, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.lists(inner, max_size=3).map(collections.deque),
    ),
    max_leaves=20,
)


def refuse(value: object) -> Any:
    raise CannotCross(repr(type(value)))


def over(value: object) -> Any:
    return Decoder(refuse).decode(json.loads(json.dumps(Encoder(refuse).encode(value))))


@given(_VALUES)
def test_a_value_arrives_as_it_was_with_its_types(value: object) -> None:
    arrived = over(value)
    assert arrived == value
    assert repr(arrived) == repr(value) or isinstance(value, (set, frozenset, dict, list, tuple, collections.deque))
    assert type(arrived) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        float("inf"), -0.0, 2**80, -(2**53),
        range(2, 9, 3), slice(1, None, 2), ..., NotImplemented, int, ValueError, len,
        [[], {}], pathlib.Path("/a/b"), re.compile("a+", re.I), collections.OrderedDict(a=1),
        collections.Counter("aab"),
        fractions.Fraction(1, 3), uuid.UUID(int=5), "\ud800", bytearray(b"x"), collections.deque([1], 3), str.upper,
        datetime.timezone(datetime.timedelta(hours=2)), datetime.datetime(2024, 1, 1, fold=1),
        argparse.Namespace(bump="major", parts=[1, 2]), pathlib.Path("/").stat(),
    ],
)  # fmt: skip
def test_what_the_standard_library_has_values_for(value: Any) -> None:
    arrived = over(value)
    assert arrived == value
    assert repr(arrived) == repr(value)


def test_nothing_equals_nan_but_it_arrives() -> None:
    assert math.isnan(over(float("nan")))


def test_a_dictionary_that_makes_its_values_still_does() -> None:
    arrived = over(collections.defaultdict(list, a=[1]))
    assert arrived["b"] == []


def test_what_holds_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(CannotCross, match="holding itself"):
        over(loop)


def test_what_is_no_plain_data_is_referred() -> None:
    class Colour(enum.Enum):
        RED = 1

    for value in (object(), Colour.RED, lambda: 0, json):
        with pytest.raises(CannotCross):
            over(value)


@pytest.mark.parametrize(
    "hostile",
    [
        {}, ["list", {}], ["std", "system", "ls"], ["type", "os.system"], ["type", "eval"], ["same", 0],
        ["set", ["list"]],
        ["int", "__import__"], ["std", "datetime", "x"], ["name", "os", "system"], [], [[]], ["bytes", "%"], ["obj", 1],
        ["std", "range"], ["dict", 1, 2, ["list"], 3], ["deque", 1], ["std", "Pattern", "(", 0],
    ],
)  # fmt: skip
def test_what_is_malformed_raises_and_runs_nothing(hostile: Any) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, IndexError, CannotCross, re.error)):
        Decoder(refuse).decode(hostile)


def test_containers_are_numbered_alike_on_both_sides_and_may_come_back_as_themselves() -> None:
    inner: list[int] = [1]
    value = {"a": inner, "b": [inner, {2}]}
    encoder = Encoder(refuse)
    data = encoder.encode(value)
    decoder = Decoder(refuse)
    arrived = decoder.decode(data)
    assert decoder.containers == encoder.containers
    known = {id(container): index for index, container in enumerate(decoder.containers)}
    back = Encoder(refuse, known).encode(arrived["a"])
    assert Decoder(refuse, encoder.containers).decode(back) is inner


def test_a_change_is_made_in_place() -> None:
    for container, new in (([1], [2, 3]), ({1: 2}, {3: 4}), ({1}, {2}), (bytearray(b"a"), bytearray(b"bc"))):
        replace_content(container, new)
        assert container == new
    with pytest.raises(ValueError, match="of its type"):
        replace_content([1], {1})


def test_only_what_any_python_has_is_named() -> None:
    for value in (open, collections.namedtuple, pathlib.PurePath.joinpath, enum.Enum):
        assert (name := standard_name(value)) is not None
        assert named(name) is value
    assert standard_name(over) is standard_name(pytest.raises) is standard_name(3) is None
    with pytest.raises(ValueError, match="not the standard library's"):
        named(["name", "pytest", "exit"])
