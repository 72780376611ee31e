"""What one side lets the other do with its objects."""

from __future__ import annotations

import collections.abc
import copy
import io
import opcode
import socket
import sys
import types

from .functions import NAMES, is_relay
from .mirror import describe
from .special import SPECIAL
from .values import PLAIN, CannotCross, plainly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NOTHING = object()
_STREAMS = (io.StringIO, io.BytesIO, socket.socket)
_READABLE = (*_STREAMS, types.SimpleNamespace)
_OUTLAWS = ("unittest", "_pytest", "pytest", "pluggy", "types", "inspect", "importlib", "sys", "os")
"""Instances of classes of these modules (or deriving from them) never leave the tests' side."""


class OpenGuard:
    """Of the code's side: the tests may do everything."""

    def __init__(self) -> None:
        self._replaced: dict[tuple[int, str], Any] = {}
        self._patched: dict[tuple[str, str], Any] = {}

    def export(self, value: Any) -> None:
        """Anything may be referred to."""

    def may_swallow(self, error: Any, trace: Any) -> bool:
        """As the tests' context managers say."""
        return True

    def perform(self, op: str, value: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if op == "import":
            __import__(name)
            return sys.modules[name]
        if op == "set":
            if isinstance(value, (type, types.ModuleType)) and name in vars(value):
                self._replaced.setdefault((id(value), name), vars(value)[name])
            return setattr(value, name, args[0])
        if op == "del":
            # pytest's monkeypatch looks into the object's own `__dict__`, which a mirror lacks: it deletes what it set.
            if (id(value), name) in self._replaced:
                return setattr(value, name, self._replaced.pop((id(value), name)))
            return delattr(value, name)
        if op == "patch":
            return self._patch(value, name, args)
        if op == "unpatch":
            return self._unpatch(value, name)
        if op == "original":
            return self._patched.get((value.__name__, name), getattr(value, name))(*args, **kwargs)
        if op == "describe":
            return describe(value)
        if op == "content":
            return plainly(value)
        if op == "dir":
            return dir(value)
        if op == "copy":
            return copy.copy(value)
        if op == "deepcopy":
            return copy.deepcopy(value)
        return perform(op, value, name, args, kwargs)

    def _patch(self, module: Any, name: str, values: list[Any]) -> None:
        """A test has replaced it in the standard library, or taken it away."""
        self._patched.setdefault((module.__name__, name), vars(module).get(name, _NOTHING))
        if values:
            setattr(module, name, values[0])
        else:
            delattr(module, name)

    def _unpatch(self, module: Any, name: str) -> None:
        before = self._patched.pop((module.__name__, name))
        if before is not _NOTHING:
            setattr(module, name, before)
        else:
            delattr(module, name)


def perform(op: str, value: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What both sides may ask for."""
    if op == "call":
        return value(*args, **kwargs)
    if op == "get":
        return getattr(value, name)
    if op == "equal":
        return bool(value == args[0])
    if op == "iterate":
        return list(value)
    if op == "item":
        return value[args[0]]
    if op == "special" and name in SPECIAL:
        method = getattr(type(value), name)
        return (method.__get__(value, type(value)) if hasattr(method, "__get__") else method)(*args)
    raise CannotCross(f"{op} {name} is not possible")


class TestsGuard:
    """Of the tests' side: the code under test may call what it was handed, and read public attributes of objects whose
    classes the tests define. Frames, modules, code, pytest's objects and whatever leads to them do not leave.

    Args:
        folder: where the tests' files are; what is defined elsewhere is not theirs.
    """

    __test__ = False

    def __init__(self, folder: str) -> None:
        self._folder = folder.rstrip("/") + "/"

    def export(self, value: Any) -> None:
        if not (self._is_callback(value) or self._is_theirs(type(value)) or self._is_harmless(value)):
            kind = type(value)
            raise CannotCross(f"{kind.__module__}.{kind.__qualname__} cannot be handed to the code under test")

    def perform(self, op: str, value: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if op == "describe" and isinstance(value, type):
            told = describe(value)
            return {**told, "bases": [base for base in told["bases"] if self._is_theirs(base) or _is_error(base)]}
        self.export(value)
        if op == "get" and not self._may_read(value, name):
            raise AttributeError(name)
        if op == "call" and isinstance(value, type) and not self._is_theirs(value):
            raise CannotCross(f"{value.__qualname__} cannot be called from there")
        if op in ("copy", "deepcopy") and (self._is_theirs(type(value)) or self._is_harmless(value)):
            return copy.copy(value) if op == "copy" else copy.deepcopy(value)
        return perform(op, value, name, args, kwargs)

    def may_swallow(self, error: Any, trace: Any) -> bool:
        """Only what a `raise` of the tests raised. An assertion is theirs, and any other error may be the code's own
        doing: it would keep a block from the assertions that follow."""
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is None or isinstance(error, AssertionError) or not isinstance(error, Exception):
            return False
        code = trace.tb_frame.f_code
        return self._is_of_tests(code) and code.co_code[trace.tb_lasti] == opcode.opmap["RAISE_VARARGS"]

    def _is_of_tests(self, code: types.CodeType) -> bool:
        return code.co_filename.startswith(self._folder)

    def _is_callback(self, value: Any) -> bool:
        if isinstance(value, types.FunctionType):
            return is_relay(value) or self._is_of_tests(value.__code__)
        if isinstance(value, types.MethodType):
            return type(value.__self__) is socket.socket or self._is_callback(value.__func__)
        if isinstance(value, types.BuiltinMethodType):  # [].append, "".join
            return type(value.__self__) in (*PLAIN, *_STREAMS)
        if isinstance(value, types.MethodWrapperType):  # (3).__eq__
            return type(value.__self__) in PLAIN and value.__name__ in SPECIAL
        return isinstance(value, type) and self._is_theirs(value)

    def _is_theirs(self, kind: type) -> bool:
        """A class that the tests' files define, and that derives from nothing which leads further."""
        if any(base.__module__.partition(".")[0] in _OUTLAWS for base in kind.__mro__):
            return False
        module = sys.modules.get(kind.__module__)
        return str(getattr(module, "__file__", None) or "").startswith(self._folder)

    def _is_harmless(self, value: Any) -> bool:
        if isinstance(value, types.GeneratorType):
            return self._is_of_tests(value.gi_code)
        is_plain = type(value).__module__ in ("builtins", "itertools")
        is_iterator = is_plain and isinstance(value, collections.abc.Iterator)
        views = (collections.abc.KeysView, collections.abc.ValuesView, collections.abc.ItemsView)
        return type(value) is object or is_iterator or type(value) in _READABLE or isinstance(value, views)

    def _may_read(self, value: Any, name: str) -> bool:
        if name in NAMES:
            return True
        if name.startswith("_") or isinstance(value, (types.FunctionType, types.MethodType, types.GeneratorType)):
            return False
        return self._is_theirs(value if isinstance(value, type) else type(value)) or type(value) in _READABLE


def _is_error(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__ == "builtins"
