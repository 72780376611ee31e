"""Faults in names: another variable, another attribute, arguments swapped, the neighbouring method."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

from journeyman.tasks.sources.functions import text, walk
from journeyman.tasks.sources.operators.mutation import Change, Scope

_NEAREST = 3  # how many other names are tried in one place

_PAIRS = (
    "lower upper", "startswith endswith", "append extend", "find rfind", "index rindex", "split rsplit",
    "partition rpartition", "lstrip rstrip", "ljust rjust", "keys values", "union intersection", "add discard",
    "popleft pop", "appendleft append", "title capitalize", "isdigit isalpha", "isupper islower", "match search",
    "issubset issuperset", "removeprefix removesuffix", "floor ceil", "min max", "any all", "first last",
    "group groups", "encode decode", "difference intersection", "items keys", "fullmatch match",
)  # fmt: skip
_METHODS: dict[str, tuple[str, ...]] = {
    "strip": ("lstrip", "rstrip"), "splitlines": ("split",), "lstrip": ("strip",), "rstrip": ("strip",),
}  # fmt: skip
for _one, _other in (pair.split() for pair in _PAIRS):
    _METHODS[_one] = (*_METHODS.get(_one, ()), _other)
    _METHODS[_other] = (*_METHODS.get(_other, ()), _one)

_PATTERNS = frozenset({"pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern"})
_BUILTINS = frozenset({"min", "max", "any", "all"})


def wrong_name(node: Node, scope: Scope) -> Iterator[Change]:
    """Another variable or parameter that is in scope."""
    if node.type != "identifier" or not _is_read(node):
        return
    own = text(node)
    known = scope.names_before(node.start_byte)
    if own not in known:
        return
    for other in [name for name in reversed(known) if name != own][:_NEAREST]:
        yield Change(node.start_byte, node.end_byte, other)


def wrong_attribute(node: Node, scope: Scope) -> Iterator[Change]:
    """`self.a` for `self.b`, where the same function uses both (as values, not as methods)."""
    if not _is_own_attribute(node):
        return
    own = [other for other in walk(scope.function.node) if _is_own_attribute(other)]
    seen = dict.fromkeys(text(other).removeprefix("self.") for other in own)
    name = node.child_by_field_name("attribute") or node
    if text(name).startswith("__"):
        return
    for other in [known for known in seen if known != text(name) and not known.startswith("__")][:_NEAREST]:
        yield Change(name.start_byte, name.end_byte, other)


def swapped_arguments(node: Node, scope: Scope) -> Iterator[Change]:
    """Two neighbouring positional arguments change places."""
    if node.type != "argument_list":
        return
    values = node.named_children
    for one, other in pairwise(values):
        if {one.type, other.type} & {"keyword_argument", "list_splat", "dictionary_splat", "comment"}:
            return
        between = scope.source[one.end_byte : other.start_byte].decode()
        if text(one) != text(other) and "\n" not in text(one) + text(other):
            yield Change(one.start_byte, other.end_byte, text(other) + between + text(one))


def wrong_method(node: Node, scope: Scope) -> Iterator[Change]:
    """`lower` for `upper`, `min` for `max`, `startswith` for `endswith`: the neighbour in the manual."""
    if node.type != "call":
        return
    function = node.child_by_field_name("function")
    if function is None:
        return
    name = function.child_by_field_name("attribute") if function.type == "attribute" else function
    if name is None or name.type != "identifier" or (function.type == "identifier" and text(name) not in _BUILTINS):
        return
    yield from (Change(name.start_byte, name.end_byte, other) for other in _METHODS.get(text(name), ()))


def _is_own_attribute(node: Node) -> bool:
    value = node.child_by_field_name("object") if node.type == "attribute" else None
    parent = node.parent
    if value is None or parent is None or text(value) != "self":
        return False
    return not (parent.type == "call" and parent.child_by_field_name("function") == node)


def _is_read(node: Node) -> bool:
    """An identifier that is evaluated: no target, no keyword, no attribute's name, no called function."""
    child = node
    while child.parent is not None and child.parent.type in _PATTERNS:
        child = child.parent
    parent = child.parent
    if parent is None:
        return False
    for kind, part in (
        ("assignment", "left"), ("augmented_assignment", "left"), ("for_statement", "left"), ("for_in_clause", "left"),
        ("attribute", "attribute"), ("keyword_argument", "name"), ("call", "function"), ("named_expression", "name"),
        ("default_parameter", "name"), ("typed_default_parameter", "name"),
    ):  # fmt: skip
        if parent.type == kind and parent.child_by_field_name(part) == child:
            return False
    return parent.type not in {"lambda_parameters", "parameters", "as_pattern_target"}
