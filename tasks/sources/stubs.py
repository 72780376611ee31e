"""Functions cut down to what a contract gives: signature and docstring stay, the body raises `NotImplementedError`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from journeyman.tasks.sources.functions import Function, Span, find_functions, text

STUB = "raise NotImplementedError"
_TRIVIAL = frozenset({"pass", "...", STUB, f"{STUB}()"})
_NEVER = frozenset({"__del__", "__getattr__", "__getattribute__"})
"""What they raise is swallowed, or breaks whoever only looks at the object."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is stubbed as one: the functions of one qualified name (a property's getter and setter, for example)."""

    path: str
    """POSIX path of its module below the repository."""
    qualname: str
    functions: tuple[Function, ...]

    @property
    def id(self) -> str:
        return f"{self.path}::{self.qualname}"

    @property
    def lines(self) -> tuple[tuple[str, int], ...]:
        """(module, first line) of each function, as traces name them."""
        return tuple((self.path, function.first_line) for function in self.functions)


def find_units(path: str, source: bytes) -> tuple[Unit, ...]:
    """The functions and methods of a source that hold behaviour of their own, in the order in which they stand.

    What is defined within a function belongs to it. Empty and abstract functions are left out.
    """
    by_name: dict[str, list[Function]] = {}
    end = -1
    for function in find_functions(source):
        if function.span.start >= end:  # else it stands within the one before
            end = function.span.end
            by_name.setdefault(function.qualname, []).append(function)
    return tuple(Unit(path, name, tuple(found)) for name, found in by_name.items() if all(map(_able, found)))


def stub(source: bytes, qualnames: Collection[str]) -> bytes:
    """The source with these units stubbed (`Unit.qualname`)."""
    found = [function for unit in find_units("", source) if unit.qualname in qualnames for function in unit.functions]
    for function in sorted(found, key=lambda f: f.span.start, reverse=True):
        span, replacement = stubbed_body(source, function)
        source = source[: span.start] + replacement + source[span.end :]
    return source


def stubbed_body(source: bytes, function: Function) -> tuple[Span, bytes]:
    """Which bytes of a source become what, so that the function is a stub."""
    last = function.span.end
    if function.docstring is not None:
        return Span(function.docstring.end, last), b"\n" + _indent(source, function) + STUB.encode()
    if _on_one_line(function):
        return Span(function.body.start, last), STUB.encode()
    return Span(_colon(function.node), last), b"\n" + _indent(source, function) + STUB.encode()


def header(source: bytes, function: Function) -> str:
    """Decorators and signature as they stand, up to the colon, with their indentation."""
    start = source.rfind(b"\n", 0, function.span.start) + 1
    return source[start : _colon(function.node)].decode("utf-8", "replace")


def _able(function: Function) -> bool:
    statements = [text(node).strip() for node in _statements(function)]
    hidden = function.docstring is not None and _on_one_line(function)
    return not hidden and function.name not in _NEVER and not set(statements) <= _TRIVIAL


def _statements(function: Function) -> Iterator[Node]:
    body = function.node.child_by_field_name("body")
    for node in body.named_children if body is not None else ():
        is_docstring = function.docstring is not None and node.start_byte == function.docstring.start
        if node.type != "comment" and not is_docstring:
            yield node


def _on_one_line(function: Function) -> bool:
    body = function.node.child_by_field_name("body")
    colon = next(child for child in function.node.children if child.type == ":")
    return body is not None and body.start_point.row == colon.end_point.row


def _colon(node: Node) -> int:
    return next(child.end_byte for child in node.children if child.type == ":")


def _indent(source: bytes, function: Function) -> bytes:
    start = source.rfind(b"\n", 0, function.body.start) + 1
    return source[start : function.body.start]
