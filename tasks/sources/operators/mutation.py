"""One fault: which bytes of which file become what. Operators propose changes; a `Mutation` is one of them, placed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from tree_sitter import Node

from journeyman.tasks.sources.functions import Function, text, walk


class Change(NamedTuple):
    """Replace the bytes from `start` to `end` by `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What an operator may know about the function in which a node stands."""

    source: bytes
    function: Function
    bindings: tuple[tuple[str, int], ...]
    """Parameters and local names with the byte from which each is bound, in that order."""

    def names_before(self, byte: int) -> tuple[str, ...]:
        """Names that are surely bound where `byte` stands, the nearest last."""
        return tuple(dict.fromkeys(name for name, since in self.bindings if since <= byte))


Operator = Callable[[Node, Scope], Iterator[Change]]
"""Proposes changes at one node; most nodes are not its business, and it proposes nothing."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A single-fault change of one function of one file."""

    operator: str
    path: str
    """POSIX path below the repository."""
    function: str
    """Qualified name of the function that holds the fault."""
    start: int
    end: int
    original: str
    replacement: str
    line: int
    """Line of the first changed byte, from 1; the same before and after."""
    one_line: bool
    """One line differs and the number of lines stays."""

    def apply(self, source: bytes) -> bytes:
        """The source with the fault in it.

        Raises:
            ValueError: the source is not the one that this mutation was made for.
        """
        if source[self.start : self.end] != self.original.encode():
            raise ValueError(f"{self.path}: byte {self.start} does not hold {self.original!r}: another version?")
        return source[: self.start] + self.replacement.encode() + source[self.end :]

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Mutation:
        return cls(**data)


def place(operator: str, path: str, function: str, source: bytes, change: Change) -> Mutation:
    """Trim a change to the bytes that truly differ, and say where it stands."""
    original = source[change.start : change.end].decode()
    line = source.count(b"\n", 0, change.start) + 1
    return Mutation(
        operator=operator,
        path=path,
        function=function,
        start=change.start,
        end=change.end,
        original=original,
        replacement=change.text,
        line=line,
        one_line="\n" not in original and "\n" not in change.text,
    )


def scope_of(source: bytes, function: Function) -> Scope:
    """The names that a function binds plainly: parameters, assignments, loop variables."""
    bindings = [(name, function.body.start) for name in function.parameters if name not in {"self", "cls"}]
    body = function.node.child_by_field_name("body")
    for node in walk(body) if body else ():
        # An assigned name is bound only after its statement; a loop's from its body on.
        if node.type in {"assignment", "for_statement"} and (left := node.child_by_field_name("left")):
            block = node.child_by_field_name("body")
            since = block.start_byte if block else node.end_byte
            targets = left.named_children if left.type in {"pattern_list", "tuple_pattern"} else [left]
            bindings += [(text(target), since) for target in targets if target.type == "identifier"]
    return Scope(source, function, tuple((name, since) for name, since in bindings if name != "_"))
