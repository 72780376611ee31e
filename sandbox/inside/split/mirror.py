"""Local classes and objects that stand for the other side's: how they are made, and kept while they are used."""

from __future__ import annotations

import types
import weakref

from .functions import function_like
from .mirrored import ATTRIBUTES, Mirror, MirrorType, ModuleMirror, content_attributes, refill
from .special import SPECIAL, forwarded, state
from .values import CONTAINERS, PLAIN, VALUED, own_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .peer import Peer

_ALWAYS = ("__str__", "__repr__")


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
        "own": sorted(own_names(kind)),
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
            handle = state(value).get("_mirrored")
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
        if isinstance(found, CONTAINERS):
            refill(found, values[0])
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
        state(mirror)["_mirrored"] = handle
        state(mirror)["_peer"] = self._peer
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
            space.update({name: forwarded(name) for name in special if name in SPECIAL})
            if told["unhashable"]:
                space["__hash__"] = None
            elif "__eq__" in special and "__hash__" not in special:
                space["__hash__"] = object.__hash__
        else:  # its value is data, and so is what is done with it; its attributes are asked for
            direct = (plain,)
        if (held := next((base for base in CONTAINERS if base.__name__ == told["plain"]), None)) is not None:
            direct = (held,)
            space.update(content_attributes(held, told["own"]))
        for candidate in (direct, direct[:1], ()):
            try:
                made = MirrorType(told["name"], candidate or (Mirror,), {**space, **ATTRIBUTES}, made_here=True)
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


def _bare(cls: Any, values: list[Any]) -> Any:
    """An instance whose original lives on the other side, with its data where the class derives from a plain type."""
    plain = next((base for base in VALUED if issubclass(cls, base)), None)
    if plain is None:
        return cls.__new__(cls)
    if len(values) != 1 or not isinstance(values[0], plain):
        raise ValueError("an object without its value")
    return plain.__new__(cls, values[0])  # type: ignore[arg-type]
