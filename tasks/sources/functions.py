"""Finds the functions of a Python source, with tree-sitter: where they stand, what they are called, what they hold.

All spans are byte offsets into the source, half open; all lines count from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter_python
from tree_sitter import Language, Node, Parser, Tree

_PYTHON = Language(tree_sitter_python.language())

_HOLDERS = frozenset(
    {"block", "decorated_definition", "if_statement", "elif_clause", "else_clause", "for_statement", "while_statement"}
    | {"with_statement", "try_statement", "except_clause", "except_group_clause", "finally_clause", "match_statement"}
    | {"case_clause", "ERROR"}
)
"""Nodes in which definitions can stand; an expression holds none, and most nodes are expressions."""
_WRAPPED = frozenset({"typed_parameter", "list_splat_pattern", "dictionary_splat_pattern"})
NESTING = frozenset({"function_definition", "class_definition"})
"""Nodes that begin a scope of their own; a lambda belongs to the function around it."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` up to `end` (exclusive)."""

    start: int
    end: int

    def __contains__(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Function:
    """One function or method."""

    name: str
    qualname: str
    """Dotted, as Python's `__qualname__` without its `<locals>`: "Class.method", "outer.inner"."""
    span: Span
    """From the first decorator (or `def`) to the end of the body."""
    body: Span
    docstring: Span | None
    decorators: tuple[str, ...]
    """Each decorator's text, without the "@"."""
    parameters: tuple[str, ...]
    first_line: int
    """The first decorator's line, or that of `def`: the interpreter's `co_firstlineno`."""
    def_line: int
    last_line: int
    is_method: bool
    node: Node = field(repr=False, compare=False)
    """The `function_definition` itself."""

    @property
    def lines(self) -> int:
        """How many lines it takes, decorators included."""
        return self.last_line - self.first_line + 1


def parse(source: bytes) -> Tree:
    return Parser(_PYTHON).parse(source)


def text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def find_functions(source: bytes) -> tuple[Function, ...]:
    """All functions of a source, outer before inner, in the order in which they stand."""
    return tuple(_functions(parse(source).root_node, ()))


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, in source order, without entering nested functions and classes."""
    yield node
    for child in node.children:
        if child.type not in NESTING and child.type != "decorated_definition":
            yield from walk(child)


def _functions(root: Node, outer: tuple[str, ...], in_class: bool = False) -> Iterator[Function]:
    for node in root.children:
        if node.type not in NESTING:
            # A block or an `if` keeps the scope: only definitions open one.
            if node.type in _HOLDERS:
                yield from _functions(node, outer, in_class)
            continue
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body")
        if name is None or body is None:
            continue
        path = (*outer, text(name))
        if node.type == "function_definition":
            yield _function(node, body, path, in_class)
        yield from _functions(body, path, node.type == "class_definition")


def _function(node: Node, body: Node, path: tuple[str, ...], in_class: bool) -> Function:
    whole = node.parent if node.parent is not None and node.parent.type == "decorated_definition" else node
    decorators = tuple(text(child).removeprefix("@").strip() for child in whole.children if child.type == "decorator")
    docstring = docstring_of(body)
    return Function(
        name=path[-1],
        qualname=".".join(path),
        span=Span(whole.start_byte, whole.end_byte),
        body=Span(body.start_byte, body.end_byte),
        docstring=None if docstring is None else Span(docstring.start_byte, docstring.end_byte),
        decorators=decorators,
        parameters=tuple(_parameter_names(node.child_by_field_name("parameters"))),
        first_line=whole.start_point.row + 1,
        def_line=node.start_point.row + 1,
        last_line=whole.end_point.row + 1,
        is_method=in_class,
        node=node,
    )


def docstring_of(body: Node) -> Node | None:
    """The string that opens a block, if one does."""
    first = next((child for child in body.named_children if child.type != "comment"), None)
    if first is None or first.type != "expression_statement" or first.named_child_count != 1:
        return None
    string = first.named_children[0]
    return string if string.type in {"string", "concatenated_string"} else None


def _parameter_names(parameters: Node | None) -> Iterator[str]:
    for parameter in parameters.named_children if parameters else ():
        name = parameter.child_by_field_name("name") or parameter
        while name.type in _WRAPPED and name.named_children:
            name = name.named_children[0]
        if name.type == "identifier":
            yield text(name)
