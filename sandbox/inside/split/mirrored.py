"""What mirrors do: each use of one is asked of its original; `special.py` says what is believed of the answers.

Where the class derives from a list, a dictionary or a set, its content is asked for and dealt with here, as if it had
come as plain data.
"""

from __future__ import annotations

import builtins
import sys
import types
import weakref

from .special import COMPARING, MirrorKind, ask, is_mirror, state
from .values import CannotCross

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from .peer import Peer

_CHANGING = frozenset(
    "append clear extend insert pop remove reverse sort popitem setdefault update add discard"
    " difference_update intersection_update symmetric_difference_update".split()
)
_TELLING = frozenset(
    "count index isdisjoint issubset issuperset difference intersection symmetric_difference union".split()
)
"""Methods that say something of what they are given."""


class MirrorType(MirrorKind, type):
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


def _get(self: Any, name: str) -> Any:
    if name.startswith("__array"):  # asked for by comparisons with numbers
        raise AttributeError(name)
    return ask(self, "get", name)


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
        ask(self, "set", name, (value,))


ATTRIBUTES: dict[str, Any] = {
    "__doc__": _Asked("__doc__"),
    "__getattr__": _get,
    "__setattr__": _set,
    "__delattr__": lambda self, name: ask(self, "del", name),
    "__dir__": lambda self: [str(name) for name in ask(self, "dir")],
    "__copy__": lambda self: ask(self, "copy"),
    "__deepcopy__": lambda self, memo: ask(self, "deepcopy"),
    "__reduce_ex__": lambda self, protocol: _unpicklable(),
}


def _unpicklable() -> Any:
    raise CannotCross("an object of the code under test cannot be pickled by the tests")


def content_attributes(held: type, own: list[str]) -> dict[str, Any]:
    """What the mirror of a class that derives from this container has instead of the container's own.

    Methods that change it, and those that its class defines itself (`own`), are the original's. All else is done with
    the plain data that it holds, above all what compares it with other data.
    """
    made: dict[str, Any] = {}
    for name in dir(held):
        is_special = name.startswith("__")
        if name in ("__eq__", "__ne__", "__contains__", *COMPARING) or name in _TELLING:
            made[name] = _by_content(held, name)
        elif not is_special:
            made[name] = _Asked(name) if name in own or name in _CHANGING else _by_content(held, name)
    return made


def refill(mirror: Any, content: Any) -> None:
    """Let it hold, for what looks past its methods, what its original held when it last came."""
    held: Any = next(base for base in (list, dict, set) if isinstance(mirror, base))
    if not isinstance(content, held):
        raise ValueError("a container without its content")
    fill = held.extend if held is list else held.update
    held.clear(mirror)
    fill(mirror, content)


def _by_content(held: type, name: str) -> Any:
    def act(self: Any, *args: Any, **kwargs: Any) -> Any:
        if name in ("__eq__", "__ne__") and is_mirror(args[0]):
            return (ask(self, "equal", "", args) is True) is (name == "__eq__")
        content = ask(self, "content")
        if isinstance(type(content), MirrorType) or not isinstance(content, held):  # that answers as its maker likes
            raise CannotCross("what a container holds is no plain data")
        return getattr(content, name)(*args, **kwargs)

    return act


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
                names = [str(one) for one in ask(self, "get", name)]
            except AttributeError:
                names = [one for one in dir(self) if not one.startswith("_")]
            importer = sys._getframe(1)
            while importer.f_back is not None and importer.f_code.co_filename.startswith("<frozen "):
                importer = importer.f_back
            if importer.f_code.co_name == "<module>":
                return [one for one in names if _may_bring(one, importer.f_globals)]
            return names
        return ask(self, "get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, types.ModuleType) or (name.startswith("__") and name.endswith("__")):
            state(self)[name] = value
        else:
            ask(self, "set", name, (value,))

    def __delattr__(self, name: str) -> None:
        if name in state(self):
            del state(self)[name]
        else:
            ask(self, "del", name)

    def __dir__(self) -> list[str]:
        return [str(name) for name in ask(self, "dir")]


def _may_bring(name: str, there: dict[str, Any]) -> bool:
    """Whether `from … import *` of the code under test may bind it in a module of the tests: it takes no name from the
    tests, Python or pytest."""
    is_steering = name.startswith(("__", "pytest")) or not name.isidentifier()
    is_taken = name in there and not isinstance(there[name], (MirrorType, ModuleMirror)) and not is_mirror(there[name])
    return not (is_steering or is_taken or hasattr(builtins, name))
