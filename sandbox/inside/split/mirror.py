"""Local classes and objects that stand for the other side's.

A mirror forwards what its original's class can do. It is equal to no plain data, orders with none, and gives none out
of arithmetic with it: else the other side would be told what is expected of it, and could say yes.
"""

from __future__ import annotations

import random
import types
import weakref

from .functions import function_like
from .values import PLAIN, VALUED, CannotCross

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
_ALWAYS = ("__str__", "__repr__")
_SECRET = random.SystemRandom()


def describe(kind: type) -> dict[str, Any]:
    """What the other side needs for a mirror of a class."""
    known = [name for name in SPECIAL if _has(kind, name)]
    bases = [base for base in kind.__mro__[1:] if base is not object]
    return {
        "name": str(kind.__name__),
        "qualname": str(kind.__qualname__),
        "module": str(kind.__module__),
        "bases": bases[:32],
        "special": [*known, *(name for name in _ALWAYS if name not in known)],
        "unhashable": kind.__hash__ is None,
        "plain": next((base.__name__ for base in PLAIN if issubclass(kind, base)), ""),
    }


def _has(kind: type, name: str) -> bool:
    method = getattr(kind, name, None)
    return method is not None and method is not getattr(object, name, None)


class Mirrors:
    """The mirrors of one side. An object of the other side has one mirror at a time, so `is` works."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._types: dict[int, MirrorType] = {}
        self._modules: dict[str, ModuleMirror] = {}
        self._objects: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._kept: dict[int, Any] = {}
        self._functions: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._received: dict[int, int] = {}

    def handle_of(self, value: Any) -> int | None:
        if isinstance(value, MirrorType):
            return MirrorType.handles.get(value)
        if isinstance(value, types.FunctionType):
            return self._functions.get(value)
        if isinstance(type(value), MirrorType) or type(value) is ModuleMirror:
            handle = _state(value).get("_mirrored")
            return handle if isinstance(handle, int) else None
        return None

    def type(self, handle: int) -> MirrorType:
        found = self._types.get(handle)
        if found is None:
            told = self._peer.ask("describe", handle)
            found = self._types[handle] = self._made(handle, told)
        return found

    def object(self, handle: int, kind: Any, values: list[Any]) -> Any:
        found = self._known(handle)
        if found is None:
            found = _bare(self._kind(kind), values)
            self._remember(handle, found)
        return found

    def error(self, handle: int, kind: Any, args: list[Any]) -> BaseException:
        found = self._known(handle)
        if found is None:
            cls = self._kind(kind)
            if not issubclass(cls, BaseException):
                raise ValueError("what was raised is no exception")
            found = cls.__new__(cls)
            found.args = tuple(args)
            self._remember(handle, found)
        assert isinstance(found, BaseException)
        return found

    def _kind(self, kind: Any) -> Any:
        if not isinstance(kind, MirrorType):
            raise ValueError("an object without a class of its own")
        return kind

    def function(self, handle: int, told: list[Any]) -> Any:
        found = self._known(handle)
        if found is None:
            found = function_like(told, lambda args, kwargs: self._peer.ask("call", handle, "", args, kwargs))
            self._functions[found] = handle
            self._hold(handle, found)
        return found

    def module(self, handle: int, name: str) -> ModuleMirror:
        found = self._modules.get(name)
        if found is None:
            found = self._modules[name] = ModuleMirror(name, self._peer, handle)
        return found

    def _remember(self, handle: int, mirror: Any) -> None:
        _state(mirror)["_mirrored"] = handle
        _state(mirror)["_peer"] = self._peer
        self._hold(handle, mirror)

    def _hold(self, handle: int, mirror: Any) -> None:
        if isinstance(mirror, (int, bytes, tuple)):  # of these Python makes no weak references
            self._kept[handle] = mirror
            return
        self._objects[handle] = mirror
        weakref.finalize(mirror, self._forget, handle).atexit = False

    def _known(self, handle: int) -> Any:
        """What stands for it already; the other side counts how often it was received."""
        self._received[handle] = self._received.get(handle, 0) + 1
        return self._objects.get(handle, self._kept.get(handle))

    def _forget(self, handle: int) -> None:
        self._peer.drop(handle, self._received.pop(handle, 0))

    def _made(self, handle: int, told: Any) -> MirrorType:
        bases = tuple(base for base in told["bases"] if isinstance(base, MirrorType) or _is_base(base))
        direct = tuple(b for b in bases if not any(b is not other and issubclass(other, b) for other in bases))
        plain = next((base for base in VALUED if base.__name__ == told["plain"]), None)
        space: dict[str, Any] = {"__module__": told["module"], "__qualname__": told["qualname"]}
        special = told["special"]
        if plain is None:
            space.update({name: _forwarded(name) for name in special if name in SPECIAL})
            if told["unhashable"]:
                space["__hash__"] = None
            elif "__eq__" in special and "__hash__" not in special:
                space["__hash__"] = object.__hash__
        else:  # its value is data, and so is what is done with it; its attributes are asked for
            direct = (plain,)
        for candidate in (direct, direct[:1], ()):
            try:
                made = MirrorType(told["name"], candidate or (Mirror,), {**space, **_ATTRIBUTES}, made_here=True)
                break
            except TypeError:
                continue
        else:
            raise ValueError("a class that cannot be mirrored")
        MirrorType.handles[made] = handle
        MirrorType.peers[made] = self._peer
        return made


def _is_base(base: Any) -> bool:
    return isinstance(base, type) and issubclass(base, (Exception, SystemExit))


def _state(value: Any) -> dict[str, Any]:
    return object.__getattribute__(value, "__dict__")  # type: ignore[no-any-return]


def _bare(cls: Any, values: list[Any]) -> Any:
    """An instance whose original lives on the other side, with its data where the class derives from a plain type."""
    plain = next((base for base in VALUED if issubclass(cls, base)), None)
    if plain is None:
        return cls.__new__(cls)
    if len(values) != 1 or not isinstance(values[0], plain):
        raise ValueError("an object without its value")
    return plain.__new__(cls, values[0])  # type: ignore[arg-type]


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
    state = _state(mirror)
    if "_peer" not in state:
        raise AttributeError(name)
    return state["_peer"].ask(op, state["_mirrored"], name, args, kwargs)


def _get(self: Any, name: str) -> Any:
    if name.startswith("__array"):  # asked for by comparisons with numbers
        raise AttributeError(name)
    return _ask(self, "get", name)


class _Doc:
    """`__doc__` of a mirrored class, which may say something else of each object."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return owner._ask("get", "__doc__") if MirrorType.handles.get(owner) else None
        return _get(instance, "__doc__")


_RAISING = ("args", "__cause__", "__context__", "__traceback__", "__suppress_context__", "__notes__")
"""Attributes of an exception that belong to its way through this side."""


def _set(self: Any, name: str, value: Any) -> None:
    if isinstance(self, BaseException) and name in _RAISING:
        object.__setattr__(self, name, value)
    else:
        _ask(self, "set", name, (value,))


_ATTRIBUTES: dict[str, Any] = {
    "__doc__": _Doc(),
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


def _forwarded(name: str) -> Any:
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
        _state(self).update(_mirrored=handle, _peer=peer)

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
            _state(self)[name] = value
        else:
            _ask(self, "set", name, (value,))

    def __delattr__(self, name: str) -> None:
        if name in _state(self):
            del _state(self)[name]
        else:
            _ask(self, "del", name)

    def __dir__(self) -> list[str]:
        return [str(name) for name in _ask(self, "dir")]
