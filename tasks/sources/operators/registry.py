"""All operators by name, and every mutation that they make of a source."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from journeyman.tasks.python_ast import parse
from journeyman.tasks.sources.functions import Function, find_functions, text
from journeyman.tasks.sources.operators import constants, expressions, names, statements
from journeyman.tasks.sources.operators.mutation import Mutation, Operator, place, scope_of

OPERATORS: Mapping[str, Operator] = {
    "comparison": expressions.comparison,
    "boundary": expressions.boundary,
    "arithmetic": expressions.arithmetic,
    "boolean": expressions.boolean,
    "wrong_name": names.wrong_name,
    "wrong_attribute": names.wrong_attribute,
    "swapped_arguments": names.swapped_arguments,
    "wrong_method": names.wrong_method,
    "wrong_constant": constants.wrong_constant,
    "wrong_default": constants.wrong_default,
    "dropped_branch": statements.dropped_branch,
    "dropped_statement": statements.dropped_statement,
    "forced_condition": statements.forced_condition,
    "return_value": statements.return_value,
}

_PROTECTED = frozenset({
    "type", "comment", "decorator", "import_statement", "import_from_statement", "future_import_statement",
    "raise_statement", "assert_statement", "global_statement", "nonlocal_statement", "delete_statement",
    "function_definition", "class_definition", "decorated_definition",
})  # fmt: skip
"""No fault is made in these: they hold no behaviour, only an error's wording, or a scope of their own."""

_TALK = ("log.", "logger.", "logging.", "_log.", "_logger.", "self.logger.", "warnings.", "warn(", "print(")


def mutations(path: str, source: bytes, operators: Mapping[str, Operator] = OPERATORS) -> tuple[Mutation, ...]:
    """Every single-fault mutation of every function of a source, in the order in which they stand.

    The same result is proposed once, by the first operator that makes it. Each differs from the source and parses.

    Raises:
        ValueError: the source is not UTF-8 or does not parse.
    """
    if not _parses(source):
        raise ValueError(f"{path}: not a Python source that this interpreter can parse")
    found: dict[tuple[int, int, str], Mutation] = {}
    for function in find_functions(source):
        scope = scope_of(source, function)
        for node in _sites(function):
            for name, operator in operators.items():
                for change in operator(node, scope):
                    _keep(found, place(name, path, function.qualname, source, change), source, function)
    return tuple(sorted(found.values(), key=lambda m: (m.start, m.end, m.operator, m.replacement)))


def _keep(found: dict[tuple[int, int, str], Mutation], mutation: Mutation, source: bytes, function: Function) -> None:
    key = (mutation.start, mutation.end, mutation.replacement)
    if key not in found and mutation.original != mutation.replacement and _still_parses(mutation, source, function):
        found[key] = mutation


def _still_parses(mutation: Mutation, source: bytes, function: Function) -> bool:
    """Whether the changed function is Python; parsing it alone keeps a file of thousands of lines affordable."""
    first = source.rfind(b"\n", 0, function.span.start) + 1
    rest = source[mutation.end : max(mutation.end, function.span.end)]
    changed = source[first : mutation.start] + mutation.replacement.encode() + rest
    indented = source[first : first + 1].isspace()
    return _parses(b"if True:\n" + changed if indented else changed)


def _sites(function: Function) -> Iterator[Node]:
    """Nodes that may be changed: the body without its docstring, and the defaults of the parameters."""
    parameters = function.node.child_by_field_name("parameters")
    for parameter in parameters.named_children if parameters else ():
        if parameter.type in {"default_parameter", "typed_default_parameter"}:
            yield parameter
    body = function.node.child_by_field_name("body")
    for statement in body.named_children if body else ():
        yield from _open_nodes(statement)


def _open_nodes(node: Node) -> Iterator[Node]:
    if node.type in _PROTECTED or _is_talk(node) or _is_bare_string(node):
        return
    yield node
    for child in node.named_children:
        yield from _open_nodes(child)


def _is_talk(node: Node) -> bool:
    """Logging, warnings and prints: no test looks at their wording, and no user reports it."""
    return node.type == "expression_statement" and text(node).startswith(_TALK)


def _is_bare_string(node: Node) -> bool:
    strings = {"string", "concatenated_string"}
    return node.type == "expression_statement" and all(child.type in strings for child in node.named_children)


def _parses(source: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
