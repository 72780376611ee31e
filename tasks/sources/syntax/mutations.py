"""All operators by name, and every mutation that they make of a source in JavaScript, TypeScript, Go or Rust."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from tree_sitter import Node, Parser, Tree

from journeyman.tasks.sources.functions import text
from journeyman.tasks.sources.operators.mutation import Change, Mutation, place
from journeyman.tasks.sources.syntax import expressions, names, statements
from journeyman.tasks.sources.syntax.functions import find, parse
from journeyman.tasks.sources.syntax.grammar import Grammar, Scope, part

OPERATORS: Mapping[str, Callable[[Node, Scope], Iterator[Change]]] = {
    "comparison": expressions.comparison,
    "boundary": expressions.boundary,
    "arithmetic": expressions.arithmetic,
    "boolean": expressions.boolean,
    "wrong_name": names.wrong_name,
    "wrong_attribute": names.wrong_attribute,
    "swapped_arguments": names.swapped_arguments,
    "wrong_method": names.wrong_method,
    "wrong_constant": expressions.wrong_constant,
    "dropped_branch": statements.dropped_branch,
    "dropped_statement": statements.dropped_statement,
    "forced_condition": statements.forced_condition,
    "return_value": statements.return_value,
}
"""The names are those of the Python operators: a fault of one name is the same mistake in each language."""
DEEPEST = 250
"""Levels of a function's tree; deeper ones were written by programs, and take long to look through."""
LONGEST = 300
"""Bytes in a line, on average; longer ones were written by programs."""
_GENERATED = re.compile(rb"^\W*(Code generated\b.*DO NOT EDIT|@generated\b)", re.M)
WRONG_DEFAULT = "wrong_default"
"""A parameter's default that is not what it was; only where the language has them."""


def mutations_of(path: str, source: bytes) -> tuple[Mutation, ...]:
    """Every single-fault mutation of every function that is no test, in the order in which they stand.

    The same result is proposed once, by the first operator that makes it. Each differs from the source and parses. What
    a program wrote (minified, generated) has none: no person makes a mistake there.

    Raises:
        ValueError: no grammar for the suffix, not UTF-8, or not a source of that language.
    """
    grammar, parser, tree = parse(path, source)
    if _GENERATED.search(source, 0, 4096) or len(source) > LONGEST * (source.count(b"\n") + 1):
        return ()
    found: dict[tuple[int, int, str], Mutation] = {}
    for function in find(grammar, tree.root_node, path, source):
        if function.is_test or _depth(function.node) > DEEPEST:
            continue
        scope = Scope(grammar, source, function, tree.root_node)
        for name, change in _changes(scope):
            key = (change.start, change.end, change.text)
            if key not in found and _holds(change, scope, parser, tree):
                found[key] = place(name, path, function.qualname, source, change)
    return tuple(sorted(found.values(), key=lambda m: (m.start, m.end, m.operator, m.replacement)))


def _depth(root: Node) -> int:
    deepest, level = 0, [root]
    while level:
        deepest += 1
        level = [child for node in level for child in node.named_children]
    return deepest


def _changes(scope: Scope) -> Iterator[tuple[str, Change]]:
    """What all operators propose for a function, with their names."""
    node = scope.function.node
    for value in scope.grammar.defaults(node):
        for change in (*expressions.wrong_constant(value, scope), *expressions.boundary(value, scope)):
            yield WRONG_DEFAULT, change
    for inner in _open_nodes(part(node, "body"), scope.grammar):
        for name, operator in OPERATORS.items():
            yield from ((name, change) for change in operator(inner, scope))


def _holds(change: Change, scope: Scope, parser: Parser, tree: Tree) -> bool:
    """Whether a change is one, parses, and is nothing that a compiler is known to refuse."""
    source = scope.source
    new = change.text.encode()
    if source[change.start : change.end] == new or not scope.grammar.is_sound(change, scope):
        return False
    mutant = source[: change.start] + new + source[change.end :]
    # Parsing on from the old tree takes a hundredth of the time that a file of a thousand lines takes afresh.
    old = tree.copy()
    old.edit(
        change.start,
        change.end,
        change.start + len(new),
        _point(source, change.start),
        _point(source, change.end),
        _point(mutant, change.start + len(new)),
    )
    return not parser.parse(mutant, old).root_node.has_error


def _point(source: bytes, byte: int) -> tuple[int, int]:
    return source.count(b"\n", 0, byte), byte - (source.rfind(b"\n", 0, byte) + 1)


def _open_nodes(body: Node, grammar: Grammar) -> Iterator[Node]:
    """The nodes of a function's body that may be changed."""
    waiting = [body]
    while waiting:
        node = waiting.pop()
        if node is not body and (_is_protected(node, grammar) or _is_quiet(node, grammar)):
            continue
        yield node
        waiting.extend(reversed(node.named_children))


def _is_protected(node: Node, grammar: Grammar) -> bool:
    if node.type in grammar.protected or (node.type in grammar.nested and grammar.opened(node, True) is not None):
        return True
    return node.type.endswith("_type") and node.type not in {"type_switch_statement"}


def _is_quiet(node: Node, grammar: Grammar) -> bool:
    """Errors, logs and assertions: no test looks at their wording, and no user reports it."""
    if node.type in {"expression_statement", "await_expression"} and node.named_child_count == 1:
        return _is_quiet(node.named_children[0], grammar)
    if node.type == "new_expression":
        return text(part(node, "constructor")).endswith("Error")
    return node.type in grammar.calls and grammar.quiet.fullmatch(text(part(node, "function"))) is not None
