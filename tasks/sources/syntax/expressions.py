"""Faults in expressions and constants: comparisons, off by one, arithmetic, boolean logic, another value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from journeyman.tasks.sources.functions import text
from journeyman.tasks.sources.operators.constants import CHARACTERS, PATTERNS, mistaken
from journeyman.tasks.sources.operators.mutation import Change
from journeyman.tasks.sources.syntax.grammar import Scope, part

_SIMPLE = frozenset({
    "identifier", "member_expression", "selector_expression", "field_expression", "call_expression",
    "subscript_expression", "index_expression",
})  # fmt: skip
_SLICES = frozenset({"slice", "substring", "substr", "subarray"})
_EDGES = frozenset({127, 255, 32767, 65535, 2147483647, 4294967295})  # one more would not fit an integer's type
_CHARACTERS = {**CHARACTERS, "/": "\\\\"}
_TYPES = {"string": "object", "object": "string", "number": "string", "function": "object", "undefined": "null",
          "boolean": "string"}  # fmt: skip
_TRUTHS = frozenset({"true", "false", "boolean_literal"})
_LONGEST = 40  # of a string constant, in characters: longer ones are prose


def comparison(node: Node, scope: Scope) -> Iterator[Change]:
    """`<` and `<=`, `==` and `!=`, a comparison turned round."""
    if node.type == "binary_expression":
        sign = part(node, "operator")
        yield from (_instead(sign, other) for other in scope.grammar.comparisons.get(text(sign), ()))


def boundary(node: Node, scope: Scope) -> Iterator[Change]:
    """Off by one: an integer, an index, a slice's end, an open range for a closed one."""
    if node.type in scope.grammar.integers and text(node).isdecimal() and not text(node).startswith("00"):
        yield from _shifted(node)
    elif node.type == "slice_expression":
        for end in ("start", "end"):
            yield from _moved(node.child_by_field_name(end))
    elif node.type == "range_expression":
        sign = next((child for child in node.children if not child.is_named), node)
        if sign.next_named_sibling is not None:
            yield _instead(sign, "..=" if text(sign) == ".." else "..")
        if node.parent is not None and node.parent.type == "index_expression":
            for bound in node.named_children:
                yield from _moved(bound)
    elif node.type == "call_expression" and _name_called(node, scope) in _SLICES:
        yield from _moved(next(reversed(part(node, "arguments").named_children), None))


def arithmetic(node: Node, scope: Scope) -> Iterator[Change]:
    """`+` and `-`, `*` and `/`, shifts, a minus sign lost, and their augmented forms."""
    if node.type == "unary_expression":
        if text(node).startswith("-") and node.named_children:
            yield Change(node.start_byte, node.named_children[-1].start_byte, "")
    elif node.type in {"update_expression", "inc_statement", "dec_statement"}:
        if node.parent is not None and node.parent.type not in {"for_statement", "for_clause"}:
            sign = next(child for child in node.children if not child.is_named)
            yield _instead(sign, "--" if text(sign) == "++" else "++")
    elif text(sign := part(node, "operator")) in scope.grammar.arithmetic:
        if text(sign) in {"+", "+="} and not _are_numbers(node, scope):
            return
        for other in scope.grammar.arithmetic[text(sign)]:
            zero = text(part(node, "right")).strip() == "0" and other == "/"
            if not zero:
                yield _instead(sign, other)


def boolean(node: Node, scope: Scope) -> Iterator[Change]:
    """`&&` and `||`, an operand forgotten, `!` dropped or added."""
    sign = text(part(node, "operator")) if node.type == "binary_expression" else ""
    if sign in {"&&", "||"}:
        left, right = part(node, "left"), part(node, "right")
        if scope.may_miss(left):
            yield _instead(part(node, "operator"), "||" if sign == "&&" else "&&")
        yield from (_instead(node, text(kept)) for kept, lost in ((left, right), (right, left)) if scope.may_miss(lost))
    elif sign == "??":
        around = {text(part(one, "operator")) for one in (node.parent, *node.named_children) if one is not None}
        if not around & {"??", "&&"}:
            yield _instead(part(node, "operator"), "||")
    elif node.type == "unary_expression" and text(node).startswith("!") and not text(node).startswith("!!"):
        if node.named_children and scope.may_miss(node.named_children[-1]):
            yield Change(node.start_byte, node.named_children[-1].start_byte, "")
    elif node.type in scope.grammar.ifs | {"ternary_expression", "while_statement", "while_expression"}:
        condition = _bare(part(node, "condition"))
        if condition.type in _SIMPLE and scope.may_miss(condition):
            yield Change(condition.start_byte, condition.start_byte, "!")


def wrong_constant(node: Node, scope: Scope) -> Iterator[Change]:
    """A truth value turned round, another string, character, pattern or float."""
    if text(node) in {"true", "false"} and node.child_count <= 1 and node.type in _TRUTHS:
        # A match on truth values must have them all.
        if node.parent is None or node.parent.type not in {"tuple_pattern", "match_pattern"}:
            yield _instead(node, "false" if text(node) == "true" else "true")
    elif node.type in scope.grammar.floats and re.fullmatch(r"\d+\.\d+", text(node)):
        yield _instead(node, str(float(text(node)) + 1.0))
    elif node.type == "regex":
        pattern = part(node, "pattern")
        for old, new in PATTERNS:
            other = text(pattern).replace(old, new, 1)
            if other and other != text(pattern) and other[0] not in "*/":
                yield _instead(pattern, other)
        if text(part(node, "flags")) == "g":
            yield _instead(part(node, "flags"), "")
    elif node.type in scope.grammar.strings and not _is_alone(node) and scope.grammar.may_be_another(text(node)[1:-1]):
        yield from _other_strings(node)


def _shifted(node: Node) -> Iterator[Change]:
    value = int(text(node))
    parent = node.parent
    if parent is not None and parent.type == "field_expression":
        return  # a tuple has no other field
    negative = parent is not None and parent.type == "unary_expression"
    divides = parent is not None and text(part(parent, "operator")) in {"/", "%", "/=", "%="}
    if value not in _EDGES:
        yield _instead(node, str(value + 1))
    # "-0" would give the fault away, a bare 0 has nothing natural below it, and nothing is divided by 0.
    if value > (1 if negative or divides else 0):
        yield _instead(node, str(value - 1))


def _moved(end: Node | None) -> Iterator[Change]:
    if end is not None and end.type in _SIMPLE:
        yield Change(end.end_byte, end.end_byte, " - 1")
        yield Change(end.end_byte, end.end_byte, " + 1")


def _are_numbers(node: Node, scope: Scope) -> bool:
    """Whether `+` adds: text is joined by it too, which no other sign does."""
    sides = [part(node, "left"), part(node, "right")]
    kinds = {scope.type_of(side) for side in sides}
    if kinds & {"string", "String", "&str", "array", "function", "&String"}:
        return False
    known = bool(kinds - {""}) or any(side.type in scope.grammar.integers | scope.grammar.floats for side in sides)
    # Only Go joins strings by `+` without a sign of it in the tree; Rust's first operand is a String made there.
    return known or scope.grammar.name != "go"


def _other_strings(node: Node) -> Iterator[Change]:
    whole = text(node)
    content = whole[1:-1]
    if whole[:1] not in {"'", '"'} or "\n" in content or len(content) > _LONGEST:
        return
    start, end = node.start_byte + 1, node.end_byte - 1
    if node.type in {"rune_literal", "char_literal"}:
        other = _CHARACTERS.get(content) or (chr(ord(content) + 1) if len(content) == 1 and content.isalnum() else "")
        if other and content.isascii() and content not in "zZ9":
            yield Change(start, end, other)
        return
    if "\\" in content or "%" in content or "{" in content:
        return  # an escape, or a format whose arguments would no longer fit
    if node.parent is not None and any("typeof" in text(one) for one in node.parent.named_children):
        others = [_TYPES.get(content, content)]
    else:
        others = mistaken(content, _CHARACTERS)
    for other in dict.fromkeys(others):
        if other != content:
            yield Change(start, end, other)


def _name_called(node: Node, scope: Scope) -> str:
    called = part(node, "function")
    fields = scope.grammar.members.get(called.type)
    return text(part(called, fields[1])) if fields else ""


def _bare(node: Node) -> Node:
    return node.named_children[0] if node.type == "parenthesized_expression" and node.named_children else node


def _is_alone(node: Node) -> bool:
    """A string that is a statement by itself is a directive."""
    return node.parent is not None and node.parent.type == "expression_statement"


def _instead(node: Node, other: str) -> Change:
    return Change(node.start_byte, node.end_byte, other)
