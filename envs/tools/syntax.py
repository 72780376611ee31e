"""What tree-sitter knows about a Python file: its definitions, and where its syntax breaks.

The parser runs on the host, over text that an agent may have written: it executes nothing, sizes and time are bounded
and no walk recurses.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import tree_sitter_python
from tree_sitter import Language, Node, Parser

MAX_SOURCE_BYTES = 1_000_000
"""Larger files are not parsed."""
PARSE_S = 5.0
"""Nor are those that take longer, in seconds: an endless run of continued lines takes the square of its length."""
PIECE_BYTES = 1 << 16

_CLAUSES = frozenset({"elif_clause", "else_clause", "except_clause", "except_group_clause", "finally_clause"})
_COMPOUND = ("_statement", "_clause", "_definition", "block", "module", "ERROR")


@dataclass(frozen=True, slots=True)
class Definition:
    """A class or function, decorators included."""

    name: str
    """Dotted below its class or function."""
    start: int
    end: int
    """First and last line, from 1."""
    header: str
    """Its first line of code, such as "def area(self) -> float"."""
    depth: int = 0
    docstring: tuple[int, int] | None = None
    """Its first and last line."""


def is_python(path: str) -> bool:
    return path.endswith((".py", ".pyi"))


def definitions(text: str) -> list[Definition]:
    """Classes and functions, also nested ones, in the order in which they stand. Empty for a file that is too large."""
    source = text.encode("utf-8", "replace")
    root = _parse(source)
    found: list[Definition] = []
    waiting: list[tuple[Node, str, int]] = [(root, "", 0)] if root else []
    while waiting:
        node, prefix, depth = waiting.pop()
        inner = node.child_by_field_name("definition") if node.type == "decorated_definition" else node
        if inner is not None and inner.type in ("class_definition", "function_definition"):
            name = prefix + _name(inner, source)
            header = _header(inner, source)
            found.append(Definition(name, _line(node), _last_line(node), header, depth, _docstring(inner)))
            node, prefix, depth = inner, name + ".", depth + 1
        waiting += [(child, prefix, depth) for child in reversed(node.children) if child.type.endswith(_COMPOUND)]
    return found


def syntax_error(text: str) -> tuple[int, str] | None:
    """The first place where the syntax breaks, as (line from 1, what is wrong); `None` when none is seen.

    Tree-sitter is lenient about indentation, so that is compared here: the statements of a block start in one column.
    """
    root = _parse(text.encode("utf-8", "replace"))
    if root is None:
        return None
    lines = text.split("\n")
    errors = (_misindented(block, lines) for block in _blocks(root))
    return _broken(root) or min((error for error in errors if error is not None), default=None)


def _broken(root: Node) -> tuple[int, str] | None:
    """The innermost of the first erroneous nodes."""
    if not root.has_error:
        return None
    node = root
    while inner := next((child for child in node.children if child.has_error), None):
        node = inner
    return _line(node), f"{node.type!r} is missing" if node.is_missing else "invalid syntax"


def _misindented(block: Node, lines: list[str]) -> tuple[int, str] | None:
    """The first statement of a block that stands where none may."""
    if not block.named_children and block.type == "block" and block.parent is not None:
        return _line(block.parent), "an indented block must follow"
    margin = "" if block.type == "module" else None
    for child in block.children:
        if child.type in ("comment", "ERROR") or (own := _margin(child, lines)) is None:
            continue
        margin = own if margin is None else margin
        if own != margin:
            return _line(child), "unexpected indentation"
        if any(_margin(c, lines) not in (None, own) for c in child.children if c.type in _CLAUSES):
            return _line(child), "an else, except or finally stands in another column than its statement"
        if child.type == "return_statement" and not _is_in_function(child):
            return _line(child), "'return' outside a function"
    return None


def _margin(node: Node, lines: list[str]) -> str | None:
    """The white space before a node; `None` when it does not begin its line."""
    line = lines[node.start_point.row]
    margin = line[: len(line) - len(line.lstrip(" \t\x0c"))]
    return margin.replace("\x0c", "") if len(margin) == node.start_point.column else None


def _is_in_function(node: Node) -> bool:
    above = node.parent
    while above is not None and above.type not in ("function_definition", "class_definition"):
        above = above.parent
    return above is not None and above.type == "function_definition"


def _blocks(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in ("module", "block"):
            yield node
        waiting += [child for child in reversed(node.children) if child.type.endswith(_COMPOUND)]


def _parse(source: bytes) -> Node | None:
    if len(source) > MAX_SOURCE_BYTES:
        return None
    deadline = time.monotonic() + PARSE_S
    try:  # only in pieces can it be called off
        tree = Parser(_python()).parse(
            lambda start, _: source[start : start + PIECE_BYTES],
            progress_callback=lambda *_: time.monotonic() > deadline,
        )
    except ValueError:
        return None
    return tree.root_node


@cache
def _python() -> Language:
    return Language(tree_sitter_python.language())


def _name(node: Node, source: bytes) -> str:
    name = node.child_by_field_name("name")
    return (
        _text(source, name.start_byte, name.end_byte) if name is not None and name.end_byte > name.start_byte else "?"
    )


def _header(node: Node, source: bytes) -> str:
    body = node.child_by_field_name("body")
    end = body.start_byte if body is not None else node.end_byte
    return " ".join(_text(source, node.start_byte, end).split()).rstrip(": ")


def _text(source: bytes, start: int, end: int) -> str:
    return source[start:end].decode("utf-8", "replace")


def _docstring(node: Node) -> tuple[int, int] | None:
    body = node.child_by_field_name("body")
    statements = [child for child in body.named_children if child.type != "comment"] if body is not None else []
    if not statements or statements[0].type != "expression_statement":
        return None
    is_text = [child.type for child in statements[0].named_children] == ["string"]
    return (_line(statements[0]), _last_line(statements[0])) if is_text else None


def _line(node: Node) -> int:
    return int(node.start_point.row) + 1


def _last_line(node: Node) -> int:
    end = node.end_point
    return int(end.row) + (1 if end.column else 0)
