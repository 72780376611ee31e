"""Calls and answers between the two sides. Each side may ask; while it waits it does what the other asks of it.

A question is

    ["ask", op, handle, name, [argument, …], {keyword: argument}, dropped, news]

and its answer `["ok", value, changes, news]` or `["raise", error, changes, news]`. Objects that are no plain
data stay where they are; the other side holds their handles:

    ["obj", handle, class]             an object of the sender's; with a value where its class derives from a plain type
    ["class", handle]                  a class of the sender's, see the op `describe`
    ["module", handle, name]           a module of the sender's
    ["function", handle, parameters]   a function of the tests' side, see `functions.py`
    ["yours", handle]                  an object of the receiver's
    ["error", handle, class, args, cause]     an exception of the sender's
    ["std error", name, args, cause]          an exception of the standard library's

`changes` are the containers among the arguments that the call changed. `dropped` are handles that the sender forgot,
with how often it had received them. `news` is what happened there since its last message, see `effects.py`.
"""

from __future__ import annotations

import threading
import types
import weakref

from .functions import Relays, parameters_of, wants_relay
from .patches import StandIn
from .values import (
    CONTAINERS,
    NAMED,
    PLAIN,
    CannotCross,
    Decoder,
    Encoder,
    has_own_ways,
    name_of,
    named,
    parts_of,
    plainly,
    replace_content,
    standard_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from .wire import Wire

    class Guard(Protocol):
        """What the other side may see of this one, and do with it."""

        def export(self, value: Any) -> None:
            """Raises CannotCross for an object that must not leave, even as a handle."""

        def perform(self, op: str, value: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
            """Do it. Raises CannotCross for what is not allowed."""

        def may_swallow(self, error: Any, trace: Any) -> bool:
            """Whether a context manager of the other side may end an error of this one."""

    class Mirrors(Protocol):
        """Local objects that stand for the other side's."""

        def object(self, handle: int, kind: Any, values: list[Any]) -> Any: ...
        def type(self, handle: int) -> Any: ...
        def module(self, handle: int, name: str) -> Any: ...
        def function(self, handle: int, told: list[Any]) -> Any: ...
        def error(self, handle: int, kind: Any, args: list[Any]) -> BaseException: ...
        def handle_of(self, value: Any) -> int | None:
            """The handle of what stands for an object of the other side; `None` for anything else."""


MAX_NESTED = 40
MAX_CAUSES = 4


class LinkLost(Exception):
    """The other side died, is silent, or sent what is no message. Nothing can be asked of it any more."""


class Exports:
    """Objects of this side that the other one holds handles of."""

    def __init__(self) -> None:
        self._objects: dict[int, list[Any]] = {}
        self._handles: dict[int, int] = {}
        self._next = 1

    def handle(self, value: Any) -> int:
        handle = self._handles.get(id(value))
        if handle is None:
            handle, self._next = self._next, self._next + 1
            self._handles[id(value)] = handle
            self._objects[handle] = [value, 0]
        self._objects[handle][1] += 1
        return handle

    def object(self, handle: Any) -> Any:
        """Raises KeyError for a handle that was never given out."""
        return self._objects[handle][0]

    def drop(self, handle: Any, times: Any) -> None:
        if (entry := self._objects.get(handle)) is not None:
            entry[1] -= times
            if entry[1] <= 0:
                del self._handles[id(entry[0])]
                del self._objects[handle]


class Peer:
    """One side of the link.

    Args:
        guard: what the other side may do here.
        news: what goes with each message, such as printed text or changed files; `on_news` receives the other's.
        is_trusted: whether this is the tests' side, which may name what the other shall look up, but not be told to.
    """

    def __init__(
        self,
        wire: Wire,
        guard: Guard,
        *,
        news: Callable[[], Any] = lambda: None,
        on_news: Callable[[Any], None] = lambda news: None,
        is_trusted: bool = False,
    ) -> None:
        self.fault = ""
        """Why nothing can be asked any more; empty while all is well."""
        self.refuted = ""
        """The assertion that failed here when the other side called, whether it swallowed that or not."""
        self.handed: weakref.WeakSet[types.FunctionType] = weakref.WeakSet()
        """Functions of this side that the other one has been given, and may give back where another is expected."""
        self.mirrors: Mirrors
        self.guard, self.is_trusted = guard, is_trusted
        self._wire = wire
        self._news, self._on_news = news, on_news
        self._exports = Exports()
        self._relays = Relays()
        self._dropped: list[tuple[int, int]] = []
        self._lock = threading.RLock()
        self._thread = threading.get_ident()
        self._nested = 0

    def ask(self, op: str, handle: int, name: str = "", args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """Have the other side do something, and return its value or raise its error.

        Raises:
            CannotCross: an argument, or the answer, has no safe form.
            LinkLost: the other side is gone.
        """
        with self._lock:
            if self.fault:
                raise LinkLost(self.fault)
            if not (self._nested or self.is_trusted):
                raise CannotCross("the tests are not waiting for an answer: nothing can be called back")
            if self._nested and threading.get_ident() != self._thread:
                raise CannotCross("only the thread that was called may call back")
            if self._nested > MAX_NESTED:
                raise RecursionError("calls between the two sides are nested too deeply")
            self._thread = threading.get_ident()
            encoder = Encoder(self._refer)
            words = [encoder.encode(arg) for arg in args]
            keywords = {key: encoder.encode(value) for key, value in (kwargs or {}).items()}
            dropped, self._dropped = self._dropped, []
            return self._exchange(["ask", op, handle, name, words, keywords, dropped, self._news()], encoder)

    def drop(self, handle: int, times: int) -> None:
        """A mirror was forgotten: the other side may forget its object. Said with the next question."""
        self._dropped.append((handle, times))

    def serve(self) -> None:
        """Answer until the stream ends."""
        while True:
            try:
                message = self._wire.receive()
            except EOFError:
                return
            self._answer(message)

    def _exchange(self, question: list[Any], encoder: Encoder) -> Any:
        self._nested += 1
        try:
            self._wire.send(question)
            while (message := self._wire.receive())[0] == "ask":
                self._answer(message)
            kind, value, changes, news = message
            decoder = Decoder(self._resolve, encoder.containers)
            for index, new in changes:
                replace_content(encoder.containers[index], decoder.decode(new))
            self._on_news(news)
            result = decoder.decode(value) if kind == "ok" else self._error(value, decoder)
        except (CannotCross, RecursionError):
            raise
        except Exception as error:  # whatever it was, the two sides no longer agree
            self.fault = self.fault or f"{type(error).__name__}: {error}"
            raise LinkLost(self.fault) from error
        finally:
            self._nested -= 1
        if kind == "raise":
            if isinstance(result, StopIteration) and self.is_trusted and question[3] != "__next__":
                raise RuntimeError("StopIteration of what is no iterator") from result  # it would end a loop
            raise result
        return result

    def _answer(self, message: list[Any]) -> None:
        _, op, handle, name, words, keywords, dropped, news = message
        for number, times in dropped:
            self._exports.drop(number, times)
        self._on_news(news)
        decoder = Decoder(self._resolve)
        known: dict[int, int] = {}
        before: list[Any] = []
        self._nested += 1
        thread, self._thread = self._thread, threading.get_ident()
        try:
            args = [decoder.decode(word) for word in words]
            kwargs = {str(key): decoder.decode(value) for key, value in keywords.items()}
            known = {id(container): index for index, container in enumerate(decoder.containers)}
            before = [self._plainly(container) for container in decoder.containers]
            value = self._exports.object(handle) if handle else None
            result = self.guard.perform(op, value, name, args, kwargs)
            answer = ["ok", Encoder(self._refer, known).encode(result)]
        except (SystemExit, GeneratorExit, Exception) as error:
            if isinstance(error, AssertionError):
                self.refuted = str(error) or "an assertion failed"
            answer = ["raise", self._refer_error(error, known, 0)]
        finally:
            self._nested -= 1
            self._thread = thread
        self._reply(answer, decoder.containers, before)

    def _reply(self, answer: list[Any], containers: list[Any], before: list[Any]) -> None:
        try:
            changes = [
                [index, Encoder(self._refer, _others(containers, index)).encode(container)]
                for index, container in enumerate(containers)
                if before and self._plainly(container) != before[index]
            ]
            self._wire.send([*answer, changes, self._news()])
        except CannotCross as error:
            self._wire.send(["raise", ["std error", "TypeError", [str(error)], None], [], None])

    def _plainly(self, container: Any) -> Any:
        """What tells whether a container was changed: its items by identity, and those that are plain by value."""
        if isinstance(container, dict):
            return [(_token(key), _token(value)) for key, value in container.items()]
        return bytes(container) if isinstance(container, bytearray) else [_token(item) for item in container]

    def _refer(self, value: Any) -> Any:
        if (handle := self.mirrors.handle_of(value)) is not None:
            return ["yours", handle]
        if isinstance(value, BaseException):
            return self._refer_error(value, {}, 0)
        value = value.original if type(value) is StandIn else value
        if self.is_trusted and (name := standard_name(value)) is not None:
            return name
        if self.is_trusted and (parts := parts_of(value)) is not None:
            return ["made", Encoder(self._refer).encode(parts)]
        if self.is_trusted and wants_relay(value):
            value = self._relays.relay(value)
        self.guard.export(value)
        if isinstance(value, type):
            return ["class", self._exports.handle(value)]
        if isinstance(value, types.ModuleType):
            return ["module", self._exports.handle(value), value.__name__]
        if self.is_trusted and isinstance(value, types.FunctionType):
            self.handed.add(value)
            told = Encoder(self._refer).encode(parameters_of(value))
            return ["function", self._exports.handle(value), told]
        kind = type(value)
        plain = next((base for base in PLAIN if isinstance(value, base)), None)
        if plain in (frozenset, complex) or (plain in CONTAINERS and (self.is_trusted or not has_own_ways(value))):
            return Encoder(self._refer).encode(plainly(value))
        values = [] if plain is None else [Encoder(self._refer).encode(_plain_value(plain, value))]
        return ["obj", self._exports.handle(value), ["class", self._exports.handle(kind)], *values]

    def _refer_error(self, error: BaseException, known: dict[int, int], depth: int) -> Any:
        if (handle := self.mirrors.handle_of(error)) is not None:
            return ["yours", handle]
        if isinstance(error, CannotCross):  # there it is as if the object could not do it
            return ["std error", "TypeError", [str(error)], None]
        cause = error.__cause__ if depth < MAX_CAUSES else None
        told = None if cause is None else self._refer_error(cause, known, depth + 1)
        filename = getattr(error, "filename", None) if type(error) in _OS_ERRORS else None
        args = [*error.args, *([] if filename is None else [filename])]
        try:
            words = [Encoder(self._refer, known).encode(arg) for arg in args]
        except CannotCross:
            words = [str(error)]
        name = name_of(type(error))
        if name is not None:
            return ["std error", name, words, told]
        if not isinstance(error, Exception):
            return ["std error", "RuntimeError", [f"{type(error).__name__}: {error}"], told]
        return ["error", self._exports.handle(error), ["class", self._exports.handle(type(error))], words, told]

    def _resolve(self, data: list[Any]) -> Any:
        tag = data[0]
        if tag == "yours":
            return self._relays.behind(self._exports.object(data[1]))
        if tag == "class":
            return self.mirrors.type(int(data[1]))
        decoder = Decoder(self._resolve)
        if tag == "name" and not self.is_trusted:
            return named(data)
        if tag == "made" and not self.is_trusted:
            kind, args, kwargs = decoder.decode(data[1])
            return kind(*args, **kwargs)
        if tag == "function" and not self.is_trusted:
            return self.mirrors.function(int(data[1]), decoder.decode(data[2]))
        if tag == "module":
            return self.mirrors.module(int(data[1]), str(data[2]))
        if tag == "obj":
            return self.mirrors.object(int(data[1]), decoder.decode(data[2]), [decoder.decode(v) for v in data[3:]])
        if tag in ("error", "std error"):
            return self._error(data, decoder)
        raise ValueError(f"no such tag: {tag!r}")

    def _error(self, data: list[Any], decoder: Decoder) -> BaseException:
        if data[0] == "yours":
            error = self._exports.object(data[1])
            if not isinstance(error, BaseException):
                raise ValueError("what was raised is no exception")
            return error
        *about, words, cause = data
        args = [decoder.decode(word) for word in words]
        if data[0] == "error":
            _, handle, kind = about
            error = self.mirrors.error(int(handle), decoder.decode(kind), args)
        else:
            _, name = about
            error = _standard_error(NAMED[name], args)
        error.__cause__ = None if cause is None else self._error(cause, decoder)
        return error


_OS_ERRORS = frozenset(kind for kind in NAMED.values() if isinstance(kind, type) and issubclass(kind, OSError))


def _standard_error(kind: Any, args: list[Any]) -> BaseException:
    if not (isinstance(kind, type) and issubclass(kind, (Exception, SystemExit))):
        raise ValueError("what was raised is no exception")
    try:
        return kind(*args)
    except Exception:  # a constructor that wants something else
        error = kind.__new__(kind)
        error.args = tuple(args)
        return error


def _plain_value(plain: Any, value: Any) -> Any:
    if plain in CONTAINERS:
        return plainly(value)
    return tuple(tuple.__iter__(value)) if plain is tuple else plain(value)


def _others(containers: list[Any], index: int) -> dict[int, int]:
    return {id(container): number for number, container in enumerate(containers) if number != index}


def _token(item: Any) -> Any:
    return (type(item), item) if type(item) in (str, int, float, bool, bytes, type(None)) else id(item)
