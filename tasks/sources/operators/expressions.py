"""Faults in expressions: comparisons, boundaries, arithmetic, boolean logic."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from journeyman.tasks.sources.functions import text
from journeyman.tasks.sources.operators.mutation import Change, Scope

_COMPARISONS = {
    "<": ("<=", ">"), "<=": ("<",), ">": (">=", "<"), ">=": (">",), "==": ("!=",), "!=": ("==",),
    "in": ("not in",), "not in": ("in",), "is": ("is not",), "is not": ("is",),
}  # fmt: skip
_ARITHMETIC = {
    "+": ("-",), "-": ("+",), "*": ("//", "+"), "/": ("*", "//"), "//": ("/", "*"), "%": ("//",), "**": ("*",),
    "&": ("|",), "|": ("&",), "^": ("&",), "<<": (">>",), ">>": ("<<",),
    "+=": ("-=",), "-=": ("+=",), "*=": ("+=",), "/=": ("*=",), "//=": ("*=",),
    "|=": ("&=",), "&=": ("|=",),
}  # fmt: skip
_STRINGS = frozenset({"string", "concatenated_string"})
_SIMPLE = frozenset({"identifier", "attribute", "call", "subscript"})


def comparison(node: Node, scope: Scope) -> Iterator[Change]:
    """`<` ↔ `<=`, `==` ↔ `!=`, `in` ↔ `not in`, `is` ↔ `is not`."""
    if node.type == "comparison_operator":
        for sign in node.children_by_field_name("operators"):
            yield from (Change(sign.start_byte, sign.end_byte, other) for other in _COMPARISONS.get(text(sign), ()))


def boundary(node: Node, scope: Scope) -> Iterator[Change]:
    """Off by one: an integer, an index, a slice's end, the last argument of `range`."""
    if node.type == "integer" and text(node).isdecimal():
        yield from _shifted(node)
    elif node.type == "slice":
        for end in node.named_children:
            if end.type in _SIMPLE:
                yield Change(end.end_byte, end.end_byte, " - 1")
                yield Change(end.end_byte, end.end_byte, " + 1")
    elif node.type == "call" and text(_field(node, "function")) == "range":
        arguments = _field(node, "arguments").named_children
        stop = arguments[min(1, len(arguments) - 1)] if arguments else None
        if stop is not None and stop.type in _SIMPLE:
            yield Change(stop.end_byte, stop.end_byte, " - 1")
            yield Change(stop.end_byte, stop.end_byte, " + 1")


def _shifted(node: Node) -> Iterator[Change]:
    value = int(text(node))
    negative = node.parent is not None and node.parent.type == "unary_operator"
    yield Change(node.start_byte, node.end_byte, str(value + 1))
    # "-0" would give the fault away, and a bare 0 has nothing natural below it.
    if value > (1 if negative else 0):
        yield Change(node.start_byte, node.end_byte, str(value - 1))


def arithmetic(node: Node, scope: Scope) -> Iterator[Change]:
    """`+` ↔ `-`, `*` ↔ `//`, `%` → `//`, a minus sign lost, and their augmented forms."""
    if node.type in {"binary_operator", "augmented_assignment"}:
        sides = [_field(node, "left"), _field(node, "right")]
        if any(side.type in _STRINGS for side in sides):
            return  # text is joined and formatted by + and %: any other sign is a TypeError, not a mistake one makes
        sign = _field(node, "operator")
        yield from (Change(sign.start_byte, sign.end_byte, other) for other in _ARITHMETIC.get(text(sign), ()))
    elif node.type == "unary_operator" and text(_field(node, "operator")) == "-":
        yield Change(node.start_byte, _field(node, "argument").start_byte, "")


def boolean(node: Node, scope: Scope) -> Iterator[Change]:
    """`and` ↔ `or`, an operand forgotten, `not` dropped or added."""
    if node.type == "boolean_operator":
        sign = _field(node, "operator")
        yield Change(sign.start_byte, sign.end_byte, "or" if text(sign) == "and" else "and")
        yield Change(node.start_byte, node.end_byte, text(_field(node, "left")))
        yield Change(node.start_byte, node.end_byte, text(_field(node, "right")))
    elif node.type == "not_operator":
        yield Change(node.start_byte, _field(node, "argument").start_byte, "")
    elif node.type in {"if_statement", "elif_clause", "while_statement", "conditional_expression"}:
        condition = node.named_children[1] if node.type == "conditional_expression" else _field(node, "condition")
        if condition.type in _SIMPLE:
            yield Change(condition.start_byte, condition.start_byte, "not ")


def _field(node: Node, name: str) -> Node:
    """A field that the grammar promises (or the node itself, where a broken source lacks it)."""
    return node.child_by_field_name(name) or node
