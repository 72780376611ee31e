"""Takes tests out of a source: whole statements, with the comments and attributes before them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from tree_sitter import Node

from journeyman.tasks.sources.functions import Span, text
from journeyman.tasks.sources.syntax.functions import Parsed, comments_before, find, parse
from journeyman.tasks.sources.syntax.grammar import Grammar, part
from journeyman.tasks.sources.syntax.javascript import is_test_call

SEPARATOR = " > "
"""Between the titles of blocks that stand in each other."""


def cut_tests(path: str, source: bytes, names: Collection[str]) -> bytes:
    """The source without the named tests.

    Names are Go's functions ("TestName"; of "TestName/sub" the whole test goes, for its cases can't be told apart),
    Rust's functions with or without the modules around them ("tests::name", "name"), and JavaScript's titles, outer
    first ("outer > inner"). A block whose tests all go, goes too, and so do Go's imports that only they used. Of two
    tests with one name both go.

    Raises:
        ValueError: as `functions.parse`, or what would be left does not parse.
        KeyError: a name that no test has.
    """
    parsed = parse(path, source)
    tests = _titles(parsed.tree.root_node) if parsed.grammar.titled else _functions(parsed, path, source)
    gone = [node for name in names for node in _named(name, tests, parsed.grammar)]
    spans = [_whole(parsed.grammar, node, source) for node in _emptied(gone, tests)]
    left = remove(source, spans)
    if parsed.grammar.name == "go":
        left = without_unused_imports(path, left, source)
    try:
        parse(path, left)
    except ValueError as error:
        raise ValueError(f"{path}: without {', '.join(sorted(names))}: {error}") from None
    return left


def remove(source: bytes, spans: list[Span]) -> bytes:
    """A source without some spans, which may lie in each other."""
    left, at = [], 0
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if span.end > at:
            left.append(source[at : max(at, span.start)])
            at = span.end
    return b"".join([*left, source[at:]])


def without_unused_imports(path: str, source: bytes, before: bytes) -> bytes:
    """A Go source without the imports that nothing in it uses and something used `before`: Go refuses those."""
    specs = [node for node in _every(parse(path, source).tree.root_node) if node.type == "import_spec"]
    spans = []
    for spec in specs:
        alias = spec.child_by_field_name("name")
        place = text(part(spec, "path")).strip('"`')
        name = text(alias) if alias else re.sub(r"/v\d+$|\.v\d+$", "", place).rpartition("/")[2]
        pattern = re.compile(rb"\b%s\s*\." % re.escape(name.encode()))
        was, now = (pattern.search(_code(text_)) is not None for text_ in (before, source))
        if was and not now:
            holder = spec.parent if spec.parent is not None and spec.parent.type == "import_declaration" else spec
            spans.append(_lines(holder.start_byte, holder.end_byte, source))
    return remove(source, spans)


def _code(source: bytes) -> bytes:
    return re.sub(rb"//[^\n]*|/\*.*?\*/", b"", source, flags=re.DOTALL)


def _functions(parsed: Parsed, path: str, source: bytes) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for function in find(parsed.grammar, parsed.tree.root_node, path, source):
        opened = parsed.grammar.opened(function.node, False)
        if opened is not None and opened.is_test:  # a helper of tests is none
            found.setdefault(function.qualname.partition("#")[0].replace(".", "::"), []).append(function.node)
    return found


def _titles(root: Node) -> dict[str, list[Node]]:
    """The statements of all tests and blocks of tests, by their titles."""
    found: dict[str, list[Node]] = {}
    waiting: list[tuple[Node, tuple[str, ...]]] = [(root, ())]
    while waiting:
        node, outer = waiting.pop()
        if node.type == "call_expression" and is_test_call(node):
            outer = (*outer, _title(part(node, "arguments").named_children[0]))
            statement = node.parent
            if statement is not None and statement.type == "await_expression":
                statement = statement.parent
            if statement is not None and statement.type == "expression_statement":
                found.setdefault(SEPARATOR.join(outer), []).append(statement)
        waiting.extend((child, outer) for child in reversed(node.named_children))
    return found


def _title(node: Node) -> str:
    escapes = {"n": "\n", "t": "\t"}
    return re.sub(r"\\(.)", lambda match: escapes.get(match[1], match[1]), text(node)[1:-1])


def _named(name: str, tests: Mapping[str, list[Node]], grammar: Grammar) -> list[Node]:
    if grammar.name == "go":
        name = name.partition("/")[0]
    if grammar.name == "rust":
        fitting = [own for own in tests if f"::{name}".endswith(f"::{own}") or f"::{own}".endswith(f"::{name}")]
    else:
        fitting = [own for own in tests if own == name]
    if not fitting:
        raise KeyError(name)
    return [node for own in fitting for node in tests[own]]


def _emptied(gone: list[Node], tests: Mapping[str, list[Node]]) -> Iterator[Node]:
    """The nodes that go, and each block that would be left without a test: some runners refuse those."""
    away = {(node.start_byte, node.end_byte) for node in gone}
    everything = [node for nodes in tests.values() for node in nodes]
    for node in everything:
        below = [one for one in everything if node.start_byte < one.start_byte and one.end_byte <= node.end_byte]
        leaves = [
            one for one in below if not any(one.start_byte < deeper.start_byte < one.end_byte for deeper in below)
        ]
        if leaves and all((leaf.start_byte, leaf.end_byte) in away for leaf in leaves):
            yield node
    yield from gone


def _whole(grammar: Grammar, node: Node, source: bytes) -> Span:
    comments, attributes = comments_before(grammar, node, source)
    start = min(one.start_byte for one in (node, *comments, *attributes))
    return _lines(start, node.end_byte, source)


def _lines(start: int, end: int, source: bytes) -> Span:
    """The whole lines of a span where nothing else stands on them, with one of the empty lines around it."""
    first = source.rfind(b"\n", 0, start) + 1
    newline = source.find(b"\n", end)
    last = len(source) if newline < 0 else newline + 1
    if source[first:start].strip() or source[end:last].strip(b" \t\r\n;"):
        return Span(start, end)
    if source[:first].endswith(b"\n\n") and source[last : last + 1] == b"\n":
        last += 1
    return Span(first, last)


def _every(node: Node) -> Iterator[Node]:
    yield node
    for child in node.named_children:
        if child.type in {"import_declaration", "import_spec_list", "import_spec"}:
            yield from _every(child)
