"""Faults in statements: a branch or step dropped, a condition forced, the wrong value returned."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from journeyman.tasks.sources.functions import text
from journeyman.tasks.sources.operators.mutation import Change, Scope

_EXITS = frozenset({"return_statement", "continue_statement", "break_statement"})
_CLAUSES = frozenset({"else_clause", "elif_clause"})


def dropped_branch(node: Node, scope: Scope) -> Iterator[Change]:
    """An `else`, an `elif` or an `if` with an early exit is missing; what is left still runs."""
    if node.type in _CLAUSES or (node.type == "if_statement" and _exits_early(node) and _has_siblings(node)):
        # `else` before an `elif` cannot be: clauses stand in order, so any one of them may go.
        yield _without_lines(node, scope.source)


def dropped_statement(node: Node, scope: Scope) -> Iterator[Change]:
    """One step is missing: a call for its effect, an update, an early exit."""
    if node.type == "expression_statement" and node.named_child_count == 1:
        inner = node.named_children[0]
        if inner.type == "augmented_assignment" or (inner.type == "call" and not text(inner).startswith("super(")):
            yield Change(node.start_byte, node.end_byte, "pass")
    elif node.type in {"continue_statement", "break_statement"}:
        yield Change(node.start_byte, node.end_byte, "break" if node.type == "continue_statement" else "continue")


def forced_condition(node: Node, scope: Scope) -> Iterator[Change]:
    """A condition that no longer depends on anything."""
    if node.type in {"if_statement", "elif_clause"} and (condition := node.child_by_field_name("condition")):
        if condition.type in {"true", "false"}:
            return
        yield Change(condition.start_byte, condition.end_byte, "True")
        yield Change(condition.start_byte, condition.end_byte, "False")


def return_value(node: Node, scope: Scope) -> Iterator[Change]:
    """The wrong thing is handed back: a conversion forgotten, a tuple turned round, another name, nothing."""
    if node.type != "return_statement" or node.named_child_count != 1:
        return
    value = node.named_children[0]
    if value.type == "call":
        arguments = value.child_by_field_name("arguments")
        function = value.child_by_field_name("function")
        values = arguments.named_children if arguments else []
        plain = function is not None and function.type == "identifier"
        if plain and len(values) == 1 and values[0].type not in {"keyword_argument", "list_splat", "dictionary_splat"}:
            yield Change(value.start_byte, value.end_byte, text(values[0]))
    elif value.type in {"expression_list", "tuple"} and value.named_child_count == 2:
        one, other = value.named_children
        between = scope.source[one.end_byte : other.start_byte].decode()
        yield Change(one.start_byte, other.end_byte, text(other) + between + text(one))
    if value.type in {"identifier", "attribute", "subscript"}:
        yield Change(value.start_byte, value.end_byte, "None")


def _exits_early(node: Node) -> bool:
    body = node.child_by_field_name("consequence")
    last = body.named_children[-1] if body and body.named_children else None
    has_clauses = any(child.type in _CLAUSES for child in node.named_children)
    return not has_clauses and last is not None and last.type in _EXITS


def _has_siblings(node: Node) -> bool:
    parent = node.parent
    others = [child for child in parent.named_children if child != node and child.type != "comment"] if parent else []
    return bool(others)


def _without_lines(node: Node, source: bytes) -> Change:
    """Cut a node with its whole lines, indentation and newline."""
    start = source.rfind(b"\n", 0, node.start_byte) + 1
    newline = source.find(b"\n", node.end_byte)
    if source[start : node.start_byte].strip() or newline < 0 or source[node.end_byte : newline].strip():
        return Change(node.start_byte, node.end_byte, "")
    return Change(start, newline + 1, "")
