"""Faults in constants: truth values, strings, patterns, floats, and a parameter's default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tree_sitter import Node

from journeyman.tasks.sources.functions import text
from journeyman.tasks.sources.operators.expressions import boundary
from journeyman.tasks.sources.operators.mutation import Change, Scope

CHARACTERS = {" ": "", ",": ";", "-": "_", "_": "-", ".": ",", "(": "[", ")": "]", ":": ";", "": " "}
PATTERNS = (("+", "*"), ("*", "+"), (r"\d", r"\w"), (r"\w", r"\d"), (r"\s", r"\S"), ("^", ""), ("$", ""), (r"\b", ""))
_LONGEST = 40  # of a string constant, in characters: longer ones are prose


def wrong_constant(node: Node, scope: Scope) -> Iterator[Change]:
    """`True` ↔ `False`, another string, another pattern, another float."""
    if node.type in {"true", "false"}:
        yield Change(node.start_byte, node.end_byte, "False" if node.type == "true" else "True")
    elif node.type == "float" and text(node).replace(".", "", 1).isdecimal():
        yield Change(node.start_byte, node.end_byte, str(float(text(node)) + 1.0))
    elif node.type == "string" and not _is_alone(node):
        yield from _other_strings(node)


def wrong_default(node: Node, scope: Scope) -> Iterator[Change]:
    """A parameter's default that is not what it was."""
    if node.type not in {"default_parameter", "typed_default_parameter"}:
        return
    value = node.child_by_field_name("value")
    if value is None or value.type not in {"true", "false", "none", "string", "integer", "float"}:
        return
    if value.type == "none":
        yield from (Change(value.start_byte, value.end_byte, other) for other in ("0", "True"))
    else:
        yield from wrong_constant(value, scope)
        yield from boundary(value, scope)


def _other_strings(node: Node) -> Iterator[Change]:
    start, end = node.children[0], node.children[-1]
    prefix = text(start).rstrip("'\"").lower()
    inner = [child for child in node.children[1:-1] if child.type != "string_content"]
    content = "".join(text(child) for child in node.children[1:-1])
    if inner or "f" in prefix or "\n" in content or len(content) > _LONGEST:
        return
    if "r" in prefix:
        others = [content.replace(old, new, 1) for old, new in PATTERNS if old in content]
    elif "\\" in content:
        return
    else:
        others = mistaken(content, CHARACTERS)
    for other in dict.fromkeys(others):
        if other != content:
            yield Change(start.end_byte, end.start_byte, other)


def mistaken(content: str, characters: Mapping[str, str]) -> list[str]:
    """What a string is mistaken for: another character for a single one, else its end or its case."""
    if content in characters:
        return [characters[content]]
    return [content[:-1] if len(content) > 1 else "", content.swapcase(), content + " "]


def _is_alone(node: Node) -> bool:
    """A string that is a statement by itself is a comment in other clothes."""
    return node.parent is not None and node.parent.type in {"expression_statement", "concatenated_string"}
