"""Plain data as tagged JSON, as far as both sides can build it from names that they know.

None, booleans, strings, floats and small integers stand for themselves; all else is a list that begins with its tag:

    ["list", …]  ["tuple", …]  ["set", …]  ["frozenset", …]  ["dict", key, value, …]      their items
    ["int", hex]  ["bytes", base64]  ["bytearray", base64]  ["complex", real, imaginary]
    ["std", class, …]      a value of the standard library, by what its constructor takes
    ["type", name]         a class, or a function, of the standard library
    ["name", module, qualified name]      any other one; only the code's side looks such names up
    ["made", [class, arguments, keywords]]      a callable of the standard library's that holds others; likewise
    ["same", n]            the n-th container among the arguments of the call that is being answered
    ["obj", …] and others  what is no plain data: see `peer.py`

Subclasses of plain types are plain: no `__eq__` of theirs travels.
"""

from __future__ import annotations

import argparse
import base64
import builtins
import collections
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import importlib
import json.decoder
import math
import operator
import os
import pathlib
import re
import sys
import types
import uuid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

MAX_DEPTH = 64
SMALL = 2**53
CONTAINERS = (list, dict, set, bytearray)
"""What the other side may change in place."""
_STANDARD: frozenset[str] = getattr(sys, "stdlib_module_names", frozenset())
PLAIN = (str, int, float, bytes, tuple, list, dict, set, frozenset, bytearray, complex)
"""Types whose values travel as data, and those of their subclasses too."""
VALUED = (str, int, float, bytes, tuple)
"""Those whose values never change: an object of a subclass travels as its value and as an object."""
_METHODS = (types.MethodDescriptorType, types.WrapperDescriptorType)
_FUNCTIONS = (
    "len abs sum min max sorted repr ord chr all any iter next zip map filter enumerate reversed round divmod pow hash"
)


class CannotCross(Exception):
    """A value or an operation that this kind of grading has no safe way for. No error that a test would wait for."""


def _names() -> dict[str, Any]:
    known: dict[str, Any] = {}
    for name, value in vars(builtins).items():
        is_error = isinstance(value, type) and issubclass(value, Exception)
        if is_error or (isinstance(value, type) and value in (*PLAIN, bool, object, type, range, slice)):
            known[name] = value
    known.update({name: getattr(builtins, name) for name in _FUNCTIONS.split()})
    known["SystemExit"] = SystemExit
    for module, wanted in (
        (datetime, "date datetime time timedelta timezone tzinfo"),
        (decimal, "Decimal InvalidOperation"),
        (fractions, "Fraction"),
        (collections, "OrderedDict defaultdict Counter deque ChainMap UserDict"),
        (pathlib, "Path PurePath PosixPath PurePosixPath"),
        (uuid, "UUID"),
        (json.decoder, "JSONDecodeError"),
        (dataclasses, "MISSING _FIELD _FIELD_CLASSVAR _FIELD_INITVAR"),  # `fields` and `asdict` compare with them
        (math, "sqrt floor ceil exp log gcd sin cos"),
        (types, "MappingProxyType SimpleNamespace"),
        (
            collections.abc,
            "Mapping MutableMapping Sequence MutableSequence Set Iterable Iterator Callable Hashable Sized",
        ),
    ):
        known.update({f"{module.__name__}.{name}": getattr(module, name) for name in wanted.split()})
    known.update({f"operator.{name}": getattr(operator, name) for name in operator.__all__ if name[0] != "_"})
    known.update(
        {f"str.{name}": getattr(str, name) for name in "upper lower title strip split join startswith".split()}
    )
    known["NoneType"], known["re.Pattern"] = type(None), re.Pattern
    return known


NAMED = _names()
"""Name → object of the standard library that may be named across."""
_NAME_OF = {id(value): name for name, value in NAMED.items()}


def name_of(value: Any) -> str | None:
    """The name of a named object."""
    return _NAME_OF.get(id(value))


def _zone(zone: Any) -> Any:
    return None if zone is None else zone.utcoffset(None).total_seconds()


def _unzone(seconds: Any) -> Any:
    return None if seconds is None else datetime.timezone(datetime.timedelta(seconds=seconds))


def _namespace(attributes: dict[str, Any]) -> argparse.Namespace:
    """Its constructor would set `__class__` too."""
    made = argparse.Namespace()
    vars(made).update(attributes)
    return made


_REDUCE: dict[type, Callable[[Any], list[Any]]] = {
    decimal.Decimal: lambda value: [str(value)],
    fractions.Fraction: lambda value: [value.numerator, value.denominator],
    datetime.timedelta: lambda value: [value.days, value.seconds, value.microseconds],
    datetime.date: lambda value: [value.isoformat()],
    datetime.time: lambda value: [value.replace(tzinfo=None).isoformat(), _zone(value.tzinfo)],
    datetime.datetime: lambda value: [value.replace(tzinfo=None).isoformat(), _zone(value.tzinfo), value.fold],
    datetime.timezone: lambda value: [_zone(value)],
    uuid.UUID: lambda value: [value.hex],
    pathlib.PosixPath: lambda value: [str(value)],
    pathlib.PurePosixPath: lambda value: [str(value)],
    re.Pattern: lambda value: [value.pattern, value.flags],
    range: lambda value: [value.start, value.stop, value.step],
    slice: lambda value: [value.start, value.stop, value.step],
    complex: lambda value: [value.real, value.imag],
    collections.OrderedDict: lambda value: [list(value.items())],
    collections.Counter: lambda value: [dict(value)],
    collections.deque: lambda value: [list(value), value.maxlen],
    collections.defaultdict: lambda value: [value.default_factory, dict(value)],
    types.MappingProxyType: lambda value: [dict(value)],
    argparse.Namespace: lambda value: [dict(vars(value))],
    os.stat_result: lambda value: list(value.__reduce__()[1]),
    type(Ellipsis): lambda value: [],
    type(NotImplemented): lambda value: [],
}
_USUAL = frozenset(name for kind in (*CONTAINERS, *_REDUCE) for name in dir(kind))
_BUILD: dict[str, Callable[..., Any]] = {
    "Decimal": decimal.Decimal,
    "Fraction": fractions.Fraction,
    "timedelta": datetime.timedelta,
    "date": datetime.date.fromisoformat,
    "time": lambda text, zone: datetime.time.fromisoformat(text).replace(tzinfo=_unzone(zone)),
    "datetime": lambda text, zone, fold: datetime.datetime.fromisoformat(text).replace(tzinfo=_unzone(zone), fold=fold),
    "timezone": _unzone,
    "UUID": uuid.UUID,
    "PosixPath": pathlib.PosixPath,
    "PurePosixPath": pathlib.PurePosixPath,
    "Pattern": re.compile,
    "range": range,
    "slice": slice,
    "complex": complex,
    "OrderedDict": collections.OrderedDict,
    "Counter": collections.Counter,
    "deque": collections.deque,
    "defaultdict": collections.defaultdict,
    "mappingproxy": types.MappingProxyType,
    "Namespace": _namespace,
    "stat_result": os.stat_result,
    "ellipsis": lambda: Ellipsis,
    "NotImplementedType": lambda: NotImplemented,
}


def parts_of(value: Any) -> list[Any] | None:
    """Of a callable that the standard library makes of others: its class, and the arguments that give it again."""
    if type(value) is functools.partial:
        return [functools.partial, [value.func, *value.args], value.keywords]
    if type(value) in (operator.methodcaller, operator.attrgetter, operator.itemgetter):
        made, args = value.__reduce__()
        keywords = made.keywords if isinstance(made, functools.partial) else {}
        return [type(value), [*getattr(made, "args", ()), *args], keywords]
    return None


def plainly(value: Any) -> Any:
    """A container of a class of its own as one of the standard library's, the most special that it derives from."""
    base = next(base for base in type(value).__mro__ if base in _REDUCE or base in PLAIN)
    if base is collections.defaultdict:
        return collections.defaultdict(value.default_factory, value)
    return base(value)


def own_names(kind: type) -> set[str]:
    """What a container's class defines beside what it has from the standard library's; nothing for other classes."""
    if not issubclass(kind, CONTAINERS):
        return set()
    return {name for base in kind.__mro__ if base.__module__ not in ("builtins", "collections") for name in vars(base)}


def has_own_ways(value: Any) -> bool:
    """Whether a container has attributes, or methods, that none of the standard library has."""
    if isinstance(value, bytearray):
        return False
    own = own_names(type(value)) - _USUAL
    return "__getattr__" in own or any(not name.startswith(("__", "_abc_")) for name in {*own, *_attributes(value)})


def _attributes(value: Any) -> Any:
    return object.__getattribute__(value, "__dict__") if type(value).__dictoffset__ else ()


class Encoder:
    """Values → JSON. Remembers the containers that it met, in order, so that the other side's changes can be applied.

    Args:
        refer: gives the JSON of what is no plain data.
        known: containers of the call that is being answered; one of them travels as itself.
    """

    def __init__(self, refer: Callable[[Any], Any], known: Mapping[int, int] | None = None) -> None:
        self.containers: list[Any] = []
        self._refer = refer
        self._known = known or {}

    def encode(self, value: Any, depth: int = 0) -> Any:
        """Raises CannotCross for what is nested too deeply, or holds itself."""
        if value is None or value is True or value is False:
            return value
        kind = type(value)
        if kind is str or kind is float:
            return value
        if kind is int:
            return value if -SMALL < value < SMALL else ["int", hex(value)]
        if depth > MAX_DEPTH:
            raise CannotCross("data nested too deeply, or holding itself, cannot cross")
        if kind in CONTAINERS:
            if id(value) in self._known:
                return ["same", self._known[id(value)]]
            self.containers.append(value)
        return self._compound(value, kind, depth + 1)

    def _compound(self, value: Any, kind: type, depth: int) -> Any:
        if kind in (list, tuple, set, frozenset):
            return [kind.__name__, *(self.encode(item, depth) for item in value)]
        if kind is dict:
            return ["dict", *(self.encode(item, depth) for pair in value.items() for item in pair)]
        if kind in (bytes, bytearray):
            return [kind.__name__, base64.b64encode(value).decode()]
        if (reduce := _REDUCE.get(kind)) is not None:
            try:
                return ["std", kind.__name__, *(self.encode(item, depth) for item in reduce(value))]
            except (AttributeError, TypeError):  # a time zone of somebody's own
                return self._refer(value)
        if (name := name_of(value)) is not None:
            return ["type", name]
        return self._refer(value)


def standard_name(value: Any) -> list[Any] | None:
    """The tagged name of a function, a class or an enumeration's member that any Python has, else nothing."""
    owner: Any
    name: Any
    if isinstance(value, _METHODS):
        owner, name = value.__objclass__, value.__qualname__
    elif isinstance(value, enum.Enum):
        owner, name = type(value), f"{type(value).__qualname__}.{value._name_}"
    elif isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        owner, name = value, getattr(value, "__qualname__", None)
    else:
        return None
    module = getattr(owner, "__module__", None)
    if not (isinstance(module, str) and isinstance(name, str)) or module.partition(".")[0] not in _STANDARD:
        return None
    return ["name", module, name] if _look_up(module, name) is value else None


def named(data: list[Any]) -> Any:
    """What `standard_name` named."""
    _, module, name = data
    if module.partition(".")[0] not in _STANDARD:
        raise ValueError(f"{module} is not the standard library's")
    return _look_up(module, name)


def _look_up(module: str, name: str) -> Any:
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)  # type: ignore[assignment]
    return found


class Decoder:
    """JSON → values. Whatever is malformed raises; nothing is executed.

    Args:
        resolve: gives the object for a tag that is no plain data's.
        known: containers of the call that is being answered.
    """

    def __init__(self, resolve: Callable[[list[Any]], Any], known: list[Any] | None = None) -> None:
        self.containers: list[Any] = []
        self._resolve = resolve
        self._known = known or []

    def decode(self, data: Any) -> Any:
        if not isinstance(data, list):
            if isinstance(data, dict):
                raise ValueError("a JSON object is no value")
            return data
        tag, items = data[0], data[1:]
        if tag == "list":
            return self._filled([], list.extend, items)
        if tag == "tuple":
            return tuple(self.decode(item) for item in items)
        if tag == "dict":
            return self._filled({}, lambda made, flat: made.update(zip(flat[::2], flat[1::2])), items)  # noqa: B905 (3.9)
        if tag == "set":
            return self._filled(set(), set.update, items)
        if tag == "frozenset":
            return frozenset(self.decode(item) for item in items)
        if tag == "same":
            return self._known[items[0]]
        return self._scalar(tag, items, data)

    def _scalar(self, tag: str, items: list[Any], data: list[Any]) -> Any:
        if tag == "int":
            return int(items[0], 16)
        if tag == "bytes":
            return base64.b64decode(items[0], validate=True)
        if tag == "bytearray":
            return self._filled(bytearray(), bytearray.extend, None, base64.b64decode(items[0], validate=True))
        if tag == "std":
            return _BUILD[items[0]](*(self.decode(item) for item in items[1:]))
        if tag == "type":
            return NAMED[items[0]]
        return self._resolve(data)

    def _filled(self, made: Any, fill: Callable[[Any, Any], Any], items: list[Any] | None, ready: Any = None) -> Any:
        """A container takes its number before its items do, as in `Encoder`."""
        self.containers.append(made)
        fill(made, ready if items is None else [self.decode(item) for item in items])
        return made


def replace_content(container: Any, new: Any) -> None:
    """Make a container equal another of its type, in place."""
    if type(container) is not type(new) or type(container) not in CONTAINERS:
        raise ValueError("a container can only become another of its type")
    if isinstance(container, (list, bytearray)):
        container[:] = new
    else:
        container.clear()
        container.update(new)
