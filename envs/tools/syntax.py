"""What tree-sitter knows about a Python file: its definitions, and where its syntax breaks.

The parser runs on the host, over text that an agent may have written: it executes nothing, sizes are bounded and no
walk recurses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import tree_sitter_python
from tree_sitter import Language, Node, Parser

MAX_SOURCE_BYTES = 1_000_000
"""Larger files are not parsed."""

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


def is_python(path: str) -> bool:
    return path.endswith((".py", ".pyi"))


def definitions(text: str) -> list[Definition]:
    """Classes and functions, also nested ones, in the order in which they stand. Empty for a file that is too large."""
    root = _parse(text)
    found: list[Definition] = []
    waiting: list[tuple[Node, str, int]] = [(root, "", 0)] if root else []
    while waiting:
        node, prefix, depth = waiting.pop()
        inner = node.child_by_field_name("definition") if node.type == "decorated_definition" else node
        if inner is not None and inner.type in ("class_definition", "function_definition"):
            name = prefix + _name(inner)
            found.append(Definition(name, _line(node), _last_line(node), _header(inner), depth))
            node, prefix, depth = inner, name + ".", depth + 1
        waiting += [(child, prefix, depth) for child in reversed(node.children) if child.type.endswith(_COMPOUND)]
    return found


def syntax_error(text: str) -> tuple[int, str] | None:
    """The first place where the syntax breaks, as (line from 1, what is wrong); `None` when none is seen.

    Tree-sitter is lenient about indentation, so that is compared here: the statements of a block start in one column.
    """
    root = _parse(text)
    if root is None:
        return None
    errors = [error for error in (_broken(root), _misindented(root, text.split("\n"))) if error]
    return min(errors, default=None)


def _broken(root: Node) -> tuple[int, str] | None:
    """The innermost of the first erroneous nodes."""
    if not root.has_error:
        return None
    node = root
    while inner := next((child for child in node.children if child.has_error), None):
        node = inner
    return _line(node), f"{node.type!r} is missing" if node.is_missing else "invalid syntax"


def _misindented(root: Node, lines: list[str]) -> tuple[int, str] | None:
    for block in _blocks(root):
        if not block.named_children and block.type == "block" and block.parent is not None:
            return _line(block.parent), "an indented block must follow"
        column: str | None = None
        for child in block.children:
            line = lines[child.start_point.row]
            margin = line[: len(line) - len(line.lstrip(" \t\x0c"))]
            if child.type in ("comment", "ERROR", ";") or len(margin.encode()) != child.start_point.column:
                continue
            if column is None:
                column = margin if block.type == "block" else ""
            if margin.replace("\x0c", "") != column.replace("\x0c", ""):
                return _line(child), "unexpected indentation"
    return None


def _blocks(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in ("module", "block"):
            yield node
        waiting += [child for child in reversed(node.children) if child.type.endswith(_COMPOUND)]


def _parse(text: str) -> Node | None:
    source = text.encode("utf-8", "replace")
    return Parser(_python()).parse(source).root_node if len(source) <= MAX_SOURCE_BYTES else None


@cache
def _python() -> Language:
    return Language(tree_sitter_python.language())


def _name(node: Node) -> str:
    name = node.child_by_field_name("name")
    return name.text.decode("utf-8", "replace") if name is not None and name.text else "?"


def _header(node: Node) -> str:
    body = node.child_by_field_name("body")
    source = node.text or b""
    if body is not None:
        source = source[: body.start_byte - node.start_byte]
    return " ".join(source.decode("utf-8", "replace").split()).rstrip(": ")


def _line(node: Node) -> int:
    return int(node.start_point.row) + 1


def _last_line(node: Node) -> int:
    end = node.end_point
    return int(end.row) + (1 if end.column else 0)
