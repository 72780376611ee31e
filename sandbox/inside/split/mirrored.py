"""What mirrors do: each use of one is asked of its original.

A mirror is equal to no plain data, orders with none, and gives none out of arithmetic with it: else the other side
would be told what is expected of it, and could say yes. Where its class derives from a list, a dictionary or a set, its
content is asked for and dealt with here, as if it had come as plain data.
"""

from __future__ import annotations

import random
import types
import weakref

from .values import VALUED, CannotCross

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from .peer import Peer

_PLAINLY = (
    "len bool iter next getitem setitem delitem call enter exit str repr format int float index bytes abs neg pos"
    " invert reversed round trunc floor ceil complex fspath hash"
).split()
_ORDER = "lt le gt ge".split()
_ARITHMETIC = "add sub mul truediv floordiv mod divmod pow matmul lshift rshift and or xor".split()
_BINARY = [
    *_ARITHMETIC,
    *(f"r{name}" for name in _ARITHMETIC),
    *(f"i{name}" for name in _ARITHMETIC if name != "divmod"),
]
SPECIAL = tuple(f"__{name}__" for name in (*_PLAINLY, "contains", "eq", *_ORDER, *_BINARY))
"""Special methods that cross."""
_COMPARING = [f"__{name}__" for name in (*_ORDER, *_ARITHMETIC, *(f"r{name}" for name in _ARITHMETIC))]
_CHANGING = frozenset(
    "append clear extend insert pop remove reverse sort popitem setdefault update add discard"
    " difference_update intersection_update symmetric_difference_update".split()
)
_TELLING = frozenset("count index isdisjoint issubset issuperset".split())
"""Methods that say something of what they are given."""
_SECRET = random.SystemRandom()


def state(value: Any) -> dict[str, Any]:
    return object.__getattribute__(value, "__dict__")  # type: ignore[no-any-return]


class MirrorType(type):
    """The class of mirrored classes: what a class itself can do is asked of its original."""

    handles: ClassVar[weakref.WeakKeyDictionary[Any, int]] = weakref.WeakKeyDictionary()
    peers: ClassVar[weakref.WeakKeyDictionary[Any, Peer]] = weakref.WeakKeyDictionary()

    def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any], *, made_here: bool = False) -> Any:
        if not made_here:  # said when it is used: the tests that do not use it can be split
            cell = {key: value for key, value in space.items() if key == "__classcell__"}  # Python asks for it again
            return type(name, (_Underivable,), cell)
        return super().__new__(cls, name, bases, space)

    def __init__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any], *, made_here: bool = False) -> None:
        super().__init__(name, bases, space)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls._ask("call", "", args, kwargs)

    def __getattr__(cls, name: str) -> Any:
        if name in ("__abstractmethods__", "__set_name__") or MirrorType.handles.get(cls) is None:
            raise AttributeError(name)
        return cls._ask("get", name)

    def __setattr__(cls, name: str, value: Any) -> None:
        if (
            name in cls.__dict__ and value is cls.__dict__[name]
        ):  # what stood here before a test replaced the original's
            cls._ask("del", name)
        else:
            cls._ask("set", name, (value,))

    def __delattr__(cls, name: str) -> None:
        cls._ask("del", name)

    def __iter__(cls) -> Any:
        return iter(cls._ask("iterate"))

    def __len__(cls) -> int:
        return int(cls._ask("special", "__len__"))

    def __bool__(cls) -> bool:
        return True

    def __getitem__(cls, key: Any) -> Any:
        return cls._ask("item", "", (key,))

    def __contains__(cls, item: Any) -> bool:
        return any(item is other or item == other for other in cls)

    def __dir__(cls) -> list[str]:
        return [str(name) for name in cls._ask("dir")]

    def _ask(cls, op: str, name: str = "", args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        handle = MirrorType.handles.get(cls)
        if not handle:
            raise CannotCross(f"{cls.__name__} has no original")
        return MirrorType.peers[cls].ask(op, handle, name, args, kwargs)


class _Underivable:
    """A class of the tests that would derive from one of the code under test."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        raise CannotCross(f"{cls.__name__} derives from a class of the code under test: that cannot cross")


class Mirror(metaclass=MirrorType, made_here=True):
    """Base of mirrored classes that derive from nothing known."""


def _ask(mirror: Any, op: str, name: str = "", args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
    known = state(mirror)
    if "_peer" not in known:
        raise AttributeError(name)
    return known["_peer"].ask(op, known["_mirrored"], name, args, kwargs)


def _get(self: Any, name: str) -> Any:
    if name.startswith("__array"):  # asked for by comparisons with numbers
        raise AttributeError(name)
    return _ask(self, "get", name)


class _Asked:
    """An attribute that Python would find here, such as `__doc__`: asked for like those that it does not find."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return owner._ask("get", self._name) if MirrorType.handles.get(owner) else None
        return _get(instance, self._name)


_RAISING = ("args", "__cause__", "__context__", "__traceback__", "__suppress_context__", "__notes__")
"""Attributes of an exception that belong to its way through this side."""


def _set(self: Any, name: str, value: Any) -> None:
    if isinstance(self, BaseException) and name in _RAISING:
        object.__setattr__(self, name, value)
    else:
        _ask(self, "set", name, (value,))


ATTRIBUTES: dict[str, Any] = {
    "__doc__": _Asked("__doc__"),
    "__getattr__": _get,
    "__setattr__": _set,
    "__delattr__": lambda self, name: _ask(self, "del", name),
    "__dir__": lambda self: [str(name) for name in _ask(self, "dir")],
    "__copy__": lambda self: _ask(self, "copy"),
    "__deepcopy__": lambda self, memo: _ask(self, "deepcopy"),
    "__reduce_ex__": lambda self, protocol: _unpicklable(),
}


def _unpicklable() -> Any:
    raise CannotCross("an object of the code under test cannot be pickled by the tests")


def forwarded(name: str) -> Any:
    short = name.strip("_")
    if name == "__eq__":
        return lambda self, other: _ask(self, "equal", "", (other,)) is True if _is_mirror(other) else NotImplemented
    if short in _ORDER:
        return lambda self, other: _ask(self, "special", name, (other,)) if _is_mirror(other) else NotImplemented
    if short in _BINARY:
        return lambda self, other, *more: _arithmetic(self, name, other, more)
    if name == "__contains__":
        return _contains
    if name == "__bool__":
        return lambda self: _ask(self, "special", name) is True
    if name in ("__str__", "__repr__"):
        return lambda self: str(_ask(self, "special", name))
    if name == "__exit__":
        return lambda self, kind, error, trace: _ask(self, "special", name, (kind, error, None))
    if name == "__call__":
        return lambda self, *args, **kwargs: _ask(self, "call", "", args, kwargs)
    return lambda self, *args: _ask(self, "special", name, args)


def _is_mirror(value: Any) -> bool:
    """Of an object without data of its own."""
    return isinstance(type(value), MirrorType) and not isinstance(value, VALUED)


def _arithmetic(self: Any, name: str, other: Any, more: tuple[Any, ...]) -> Any:
    result = _ask(self, "special", name, (other, *more))
    if result is NotImplemented or _is_mirror(result) or _is_mirror(other):
        return result
    raise CannotCross(f"{name} of an opaque object with plain data gives plain data: that cannot be believed")


def content_attributes(held: type, own: list[str]) -> dict[str, Any]:
    """What the mirror of a class that derives from this container has instead of the container's own.

    Methods that change it, and those that its class defines itself (`own`), are the original's. All else is done with
    the plain data that it holds, above all what compares it with other data.
    """
    made: dict[str, Any] = {}
    for name in dir(held):
        is_special = name.startswith("__")
        if name in ("__eq__", "__ne__", "__contains__", *_COMPARING) or name in _TELLING:
            made[name] = _by_content(name)
        elif not is_special:
            made[name] = _Asked(name) if name in own or name in _CHANGING else _by_content(name)
    return made


def refill(mirror: Any, content: Any) -> None:
    """Let it hold, for what looks past its methods, what its original held when it last came."""
    held: Any = next(base for base in (list, dict, set) if isinstance(mirror, base))
    if not isinstance(content, held):
        raise ValueError("a container without its content")
    fill = held.extend if held is list else held.update
    held.clear(mirror)
    fill(mirror, content)


def _by_content(name: str) -> Any:
    def act(self: Any, *args: Any, **kwargs: Any) -> Any:
        if name in ("__eq__", "__ne__") and _is_mirror(args[0]):
            return (_ask(self, "equal", "", args) is True) is (name == "__eq__")
        content = _ask(self, "content")
        if isinstance(type(content), MirrorType):
            raise CannotCross("what a container holds is no plain data")
        return getattr(content, name)(*args, **kwargs)

    return act


def _contains(self: Any, item: Any) -> bool:
    if _ask(self, "special", "__contains__", (item,)) is not True:
        return False
    number = _SECRET.getrandbits(60)
    strangers = {str: f"{number:x}", int: number, float: number / 2 + 0.25, bytes: number.to_bytes(8, "big")}
    # What holds a value that nobody can have put there says yes to everything.
    stranger = strangers.get(type(item))
    return stranger is None or _ask(self, "special", "__contains__", (stranger,)) is not True


class ModuleMirror(types.ModuleType):
    """A module of the other side. Modules of this side that are set on it stay here: so are packages put together."""

    def __init__(self, name: str, peer: Peer, handle: int) -> None:
        super().__init__(name)
        state(self).update(_mirrored=handle, _peer=peer)

    def __getattr__(self, name: str) -> Any:
        if name in ("__path__", "__spec__", "__loader__", "__wrapped__", "__test__"):
            raise AttributeError(name)
        if name == "__all__":
            try:
                return _ask(self, "get", name)
            except AttributeError:
                return [one for one in dir(self) if not one.startswith("_")]
        return _ask(self, "get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, types.ModuleType) or (name.startswith("__") and name.endswith("__")):
            state(self)[name] = value
        else:
            _ask(self, "set", name, (value,))

    def __delattr__(self, name: str) -> None:
        if name in state(self):
            del state(self)[name]
        else:
            _ask(self, "del", name)

    def __dir__(self) -> list[str]:
        return [str(name) for name in _ask(self, "dir")]
