"""Faults in names: another variable, another field, arguments swapped, the neighbouring method."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

from journeyman.tasks.sources.functions import text
from journeyman.tasks.sources.operators.mutation import Change
from journeyman.tasks.sources.syntax.grammar import Scope, every, part

_NEAREST = 3  # how many other names are tried in one place
_NOT_SWAPPED = frozenset({"comment", "line_comment", "block_comment", "spread_element", "variadic_argument"})
_BARE = frozenset({"parseInt", "parseFloat", "isNaN", "isFinite", "encodeURI", "encodeURIComponent", "min", "max"})


def wrong_name(node: Node, scope: Scope) -> Iterator[Change]:
    """Another variable or parameter that is in scope, of the same type where types matter."""
    if not scope.grammar.is_read(node):
        return
    own, byte = text(node), node.start_byte
    found = scope.find(own, byte)
    if found is None:
        return
    others = [scope.find(name, byte) for name in reversed(scope.names_at(byte)) if name != own]
    fitting = [other for other in others if other is not None and scope.grammar.may_stand_for(found.type, other.type)]
    yield from (Change(byte, node.end_byte, other.name) for other in fitting[:_NEAREST])


def wrong_attribute(node: Node, scope: Scope) -> Iterator[Change]:
    """`this.a` for `this.b`, where the same function uses both (as values, not as methods)."""
    name = _own_field(node, scope)
    if name is None:
        return
    used = [(other, field) for other in every(scope.function.node) if (field := _own_field(other, scope)) is not None]
    kinds = {text(field): scope.type_of(other) for other, field in used}
    owner = text(node).rpartition(".")[0]
    same = [text(field) for other, field in used if text(other).rpartition(".")[0] == owner]
    fits = scope.grammar.may_stand_for
    others = [one for one in dict.fromkeys(same) if one != text(name) and fits(kinds[text(name)], kinds[one])]
    yield from (Change(name.start_byte, name.end_byte, other) for other in others[:_NEAREST])


def swapped_arguments(node: Node, scope: Scope) -> Iterator[Change]:
    """Two neighbouring arguments change places, of the same type where types matter."""
    if node.type not in scope.grammar.calls:
        return
    values = part(node, "arguments").named_children if node.child_by_field_name("arguments") else []
    for index, (one, other) in enumerate(pairwise(values)):
        if {one.type, other.type} & _NOT_SWAPPED or text(one) == text(other) or "\n" in text(one) + text(other):
            continue
        if scope.grammar.typed and not _agree(node, index, one, other, scope):
            continue
        between = scope.source[one.end_byte : other.start_byte].decode()
        yield Change(one.start_byte, other.end_byte, text(other) + between + text(one))


def wrong_method(node: Node, scope: Scope) -> Iterator[Change]:
    """`push` for `unshift`, `HasPrefix` for `HasSuffix`, `trim_start` for `trim_end`: the neighbour in the manual."""
    if node.type not in scope.grammar.calls:
        return
    called = part(node, "function")
    fields = scope.grammar.members.get(called.type)
    name = part(called, fields[1]) if fields else called
    if name.type == "generic_function" or (fields is None and text(name) not in _BARE):
        return
    yield from (Change(name.start_byte, name.end_byte, other) for other in scope.grammar.methods.get(text(name), ()))


def _agree(call: Node, index: int, one: Node, other: Node, scope: Scope) -> bool:
    """Whether two arguments have one type, told by themselves or by the function that is called."""
    kinds = [scope.type_of(one), scope.type_of(other)]
    if all(kinds):
        return kinds[0] == kinds[1]
    called = text(part(call, "function"))
    name = called.replace("::", ".").rpartition(".")[2]
    wanted = [scope.facts.get(f"{name}({place})", "") for place in (index, index + 1)]
    return wanted[0] == wanted[1] != "" and not wanted[0].startswith("&mut")


def _own_field(node: Node, scope: Scope) -> Node | None:
    """The name in `this.name`, if the node is that and is no method called."""
    fields = scope.grammar.members.get(node.type)
    if fields is None:
        return None
    parent, owner = node.parent, node.child_by_field_name(fields[0])
    if owner is None or (
        parent is not None and parent.type in scope.grammar.calls and part(parent, "function") == node
    ):
        return None
    if scope.grammar.own:
        return node.child_by_field_name(fields[1]) if text(owner) == scope.grammar.own else None
    return node.child_by_field_name(fields[1]) if owner.type == "identifier" and scope.type_of(node) else None
