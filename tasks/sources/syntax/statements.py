"""Faults in statements: a branch, a case or a step dropped, a condition forced, the wrong value returned."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from journeyman.tasks.sources.functions import text
from journeyman.tasks.sources.operators.mutation import Change
from journeyman.tasks.sources.syntax.grammar import Scope, ancestor, part


def dropped_branch(node: Node, scope: Scope) -> Iterator[Change]:
    """An `else`, a case, or an `if` with an early exit is missing; what is left still runs."""
    if node.type in scope.grammar.ifs:
        other = node.child_by_field_name("alternative")
        if other is not None and not scope.grammar.needs_value(node, scope):
            before = part(node, "consequence")
            yield Change(before.end_byte, other.end_byte, "")
        statement = _statement(node, scope) if other is None and _exits_early(node, scope) else None
        if statement is not None and _has_siblings(statement, scope):
            yield _without_lines(statement, scope.source)
    elif node.type in scope.grammar.cases and node.parent is not None:
        left = [one for one in node.parent.named_children if one.type in scope.grammar.cases and one != node]
        # A match must name every value: only a case before a last one that takes all may go.
        takes_all = bool(left) and text(left[-1]).startswith("_ =>") and left[-1].start_byte > node.start_byte
        if left and (scope.grammar.switches or takes_all):
            yield _without_lines(node, scope.source)


def dropped_statement(node: Node, scope: Scope) -> Iterator[Change]:
    """One step is missing: a call for its effect, an update, an early exit."""
    grammar = scope.grammar
    kind = node.type.removesuffix("_statement").removesuffix("_expression")
    if kind in {"continue", "break"} and node.named_child_count == 0:
        around = ancestor(node, grammar.loops | grammar.switches)
        if around is not None and around.type in grammar.loops:
            yield Change(node.start_byte, node.start_byte + len(kind), "break" if kind == "continue" else "continue")
        return
    inner = node.named_children[0] if node.type == "expression_statement" and node.named_children else node
    if inner.type == "await_expression" and inner.named_children:
        inner = inner.named_children[0]
    statement = node.parent is not None and node.parent.type in grammar.statement_lists
    if (
        statement
        and inner.type in grammar.assignments
        and (node.type == "expression_statement" or inner.type != "call_expression")
    ):
        yield _without_lines(node, scope.source)


def forced_condition(node: Node, scope: Scope) -> Iterator[Change]:
    """A condition that no longer depends on anything."""
    if node.type not in scope.grammar.ifs:
        return
    condition = part(node, "condition")
    if condition.type == "parenthesized_expression" and condition.named_children:
        condition = condition.named_children[0]
    if scope.may_miss(condition) and text(condition) not in {"true", "false"}:
        yield Change(condition.start_byte, condition.end_byte, "true")
        yield Change(condition.start_byte, condition.end_byte, "false")


def return_value(node: Node, scope: Scope) -> Iterator[Change]:
    """The wrong thing is handed back: a conversion forgotten, a pair turned round, nothing."""
    value = scope.grammar.returned(node)
    if value is None:
        return
    yield from scope.grammar.empty_results(value, scope)
    if value.type == "array" and value.named_child_count == 2:
        one, other = value.named_children
        between = scope.source[one.end_byte : other.start_byte].decode()
        yield Change(one.start_byte, other.end_byte, text(other) + between + text(one))
    elif value.type == "call_expression" and not scope.grammar.typed:
        given = part(value, "arguments").named_children
        if part(value, "function").type == "identifier" and len(given) == 1 and given[0].type != "spread_element":
            yield Change(value.start_byte, value.end_byte, text(given[0]))


def _statement(node: Node, scope: Scope) -> Node | None:
    """The whole statement of an `if`, unless it is another's `else` or the only statement after a condition."""
    whole = node.parent if node.parent is not None and node.parent.type == "expression_statement" else node
    return whole if whole.parent is not None and whole.parent.type in scope.grammar.statement_lists else None


def _exits_early(node: Node, scope: Scope) -> bool:
    here = part(node, "consequence")
    while here.type not in scope.grammar.exits:
        inner = [child for child in here.named_children if child.type not in scope.grammar.comments]
        if not inner or here.type not in scope.grammar.statement_lists | scope.grammar.blocks | {
            "expression_statement"
        }:
            return False
        here = inner[-1]
    return True


def _has_siblings(node: Node, scope: Scope) -> bool:
    parent = node.parent
    others = (
        [one for one in parent.named_children if one != node and one.type not in scope.grammar.comments]
        if parent
        else []
    )
    return bool(others) and others[-1].start_byte > node.start_byte


def _without_lines(node: Node, source: bytes) -> Change:
    """Cut a node, and its whole lines if nothing else stands on them."""
    end = node.end_byte
    if source[end : end + 1] in {b";", b","}:
        end += 1
    start = source.rfind(b"\n", 0, node.start_byte) + 1
    newline = source.find(b"\n", end)
    if source[start : node.start_byte].strip() or newline < 0 or source[end:newline].strip():
        return Change(node.start_byte, end, "")
    return Change(start, newline + 1, "")
