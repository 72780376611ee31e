"""Finds the functions of a JavaScript, TypeScript, Go or Rust source: what they are called and where they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import NamedTuple

from tree_sitter import Node, Parser, Tree

from journeyman.tasks.sources.functions import Span
from journeyman.tasks.sources.syntax.go import Go
from journeyman.tasks.sources.syntax.grammar import Function, Grammar, part
from journeyman.tasks.sources.syntax.javascript import LANGUAGES, JavaScript
from journeyman.tasks.sources.syntax.rust import Rust
from journeyman.tasks.sources.syntax.typescript import TypeScript

_SCRIPTS: dict[str, Grammar] = {suffix: TypeScript() if "t" in suffix else JavaScript() for suffix in LANGUAGES}
GRAMMARS: dict[str, Grammar] = {**_SCRIPTS, ".go": Go(), ".rs": Rust()}
"""By a file name's suffix."""


class Parsed(NamedTuple):
    grammar: Grammar
    parser: Parser
    tree: Tree


def grammar_of(path: str) -> Grammar:
    """The grammar for a file, by its suffix.

    Raises:
        ValueError: there is none for that suffix.
    """
    suffix = PurePosixPath(path).suffix
    if suffix not in GRAMMARS or path.endswith((".d.ts", ".d.mts", ".d.cts")):
        known = " ".join(sorted(GRAMMARS))
        raise ValueError(f"{path}: no grammar for this kind of file; there are grammars for {known}")
    return GRAMMARS[suffix]


def parse(path: str, source: bytes) -> Parsed:
    """A source as a tree.

    Raises:
        ValueError: no grammar for the suffix, not UTF-8, or not a source of that language.
    """
    grammar = grammar_of(path)
    try:
        source.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 (byte {error.start})") from None
    parser = Parser(grammar.language(path))
    tree = parser.parse(source)
    if tree.root_node.has_error:
        raise ValueError(f"{path}: line {_first_error(tree.root_node)}: not a {grammar.name} source that can be parsed")
    return Parsed(grammar, parser, tree)


def functions_of(path: str, source: bytes) -> tuple[Function, ...]:
    """All functions with names and bodies, outer before inner, in the order in which they stand.

    A function without a name (a callback, a closure) is part of the one that it stands in.

    Raises:
        ValueError: as `parse`.
    """
    parsed = parse(path, source)
    return tuple(find(parsed.grammar, parsed.tree.root_node, path, source))


def find(grammar: Grammar, root: Node, path: str, source: bytes) -> Iterator[Function]:
    """The functions of a parsed source."""
    seen: Counter[str] = Counter()
    for function in _functions(grammar, root, source, grammar.is_test_file(path)):
        seen[function.qualname] += 1
        again = seen[function.qualname]
        yield function if again == 1 else replace(function, qualname=f"{function.qualname}#{again}")


def comments_before(grammar: Grammar, node: Node, source: bytes) -> tuple[list[Node], list[Node]]:
    """The comments and the attributes that stand right before a node, with no empty line between."""
    comments: list[Node] = []
    attributes: list[Node] = []
    here, before = node, node.prev_sibling
    while before is not None and before.type in grammar.comments | grammar.attributes:
        gap = source[before.end_byte : here.start_byte].count(b"\n") + source[: before.end_byte].endswith(b"\n")
        line = source.rfind(b"\n", 0, before.start_byte) + 1
        if gap > 1 or source[line : before.start_byte].strip():
            break
        (attributes if before.type in grammar.attributes else comments).insert(0, before)
        here, before = before, before.prev_sibling
    return comments, attributes


def _functions(grammar: Grammar, root: Node, source: bytes, is_test: bool) -> Iterator[Function]:
    waiting: list[tuple[Node, tuple[str, ...], bool, bool]] = [(root, (), is_test, False)]
    while waiting:
        node, outer, test, inside = waiting.pop()
        opened = grammar.opened(node, inside)
        if opened is not None:
            outer, test = (*outer, *opened.names), test or opened.is_test
            body = node.child_by_field_name("body")
            if opened.whole is not None and body is not None:
                yield _function(grammar, node, opened.whole, outer, test, source)
                inside = True
        waiting.extend((child, outer, test, inside) for child in reversed(node.named_children))


def _function(grammar: Grammar, node: Node, whole: Node, path: tuple[str, ...], test: bool, source: bytes) -> Function:
    body = part(node, "body")
    comments, attributes = comments_before(grammar, whole, source)
    first = min([whole, *attributes], key=lambda one: one.start_byte)
    return Function(
        name=path[-1],
        qualname=".".join(path),
        span=Span(first.start_byte, whole.end_byte),
        body=Span(body.start_byte, body.end_byte),
        doc=Span(comments[0].start_byte, comments[-1].end_byte) if comments else None,
        first_line=first.start_point.row + 1,
        last_line=whole.end_point.row + 1,
        is_test=test,
        node=node,
    )


def _first_error(root: Node) -> int:
    """The line of the first place that could not be parsed."""
    node = root
    while broken := [child for child in node.children if child.has_error or child.is_missing]:
        node = broken[0]
        if node.is_error or node.is_missing:
            break
    return node.start_point.row + 1
