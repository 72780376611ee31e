"""Calls like given ones, with one thing changed in their arguments (tagged JSON: `sandbox/inside/split/values.py`)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

Call = list[Any]
"""[module, function, arguments, named arguments]; the last two as tagged JSON."""

_HOLDERS = ("list", "tuple", "set", "frozenset", "dict")
_ORDERED = ("list", "tuple")


def varied(call: Call, random: Random) -> Call:
    """The call with one value, or one item of a list, changed; the same call where there is nothing to change."""
    new = copy.deepcopy(call)
    places = [*_places(new[2], top=True), *_places(new[3], top=True)]
    if places:
        holder, at = random.choice(places)
        value = holder[at]
        holder[at] = _items(value, random) if isinstance(value, list) else _scalar(value, random)
    return new


def _places(data: list[Any], *, top: bool = False) -> Iterator[tuple[list[Any], int]]:
    """(holder, index) of every value that can be changed: scalars, and lists as a whole."""
    step = 2 if data[0] == "dict" else 1  # of a dictionary the values, not the keys
    for at in range(step, len(data), step):
        value = data[at]
        if isinstance(value, list):
            if value[0] == "list":
                yield data, at
            if value[0] in _HOLDERS:
                yield from _places(value)
        elif value is not None:
            yield data, at


def _items(value: list[Any], random: Random) -> list[Any]:
    tag, items = value[0], value[1:]
    what = random.randrange(4)
    if not items or what == 0:
        return [tag, *items[:-1]]
    if what == 1:
        return [tag, *items, copy.deepcopy(random.choice(items))]
    if what == 2:
        del items[random.randrange(len(items))]
    else:
        random.shuffle(items)
    return [tag, *items]


def _scalar(value: Any, random: Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return random.choice((value + 1, value - 1, value * 2, value + random.randrange(2, 50), 0))
    if isinstance(value, float):
        return random.choice((value + 1, value / 2, value * 2, -value, value + random.random()))
    return _text(value, random) if isinstance(value, str) else value


def _text(value: str, random: Random) -> str:
    """One character changed for one of its kind, left out, or said twice; or the text's case."""
    if not value:
        return random.choice("a7 ")
    at = random.randrange(len(value))
    here = value[at]
    other = (
        random.choice("0123456789") if here.isdigit()
        else random.choice("abcdefghijklmnopqrstuvwxyz") if here.islower()
        else random.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") if here.isupper()
        else here
    )  # fmt: skip
    changed = value[:at] + other + value[at + 1 :]
    return random.choice(
        (changed, changed, value[:at] + value[at + 1 :], value[:at] + here + value[at:], value.swapcase())
    )
