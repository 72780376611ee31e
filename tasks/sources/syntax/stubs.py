"""Replaces the body of a function by what says that it is not written yet."""

from __future__ import annotations

from journeyman.tasks.sources.functions import text
from journeyman.tasks.sources.syntax.cut import without_unused_imports
from journeyman.tasks.sources.syntax.functions import find, parse
from journeyman.tasks.sources.syntax.grammar import Function, part

_SAYS = {
    "javascript": ('throw new Error("not implemented");', "  "),
    "typescript": ('throw new Error("not implemented");', "  "),
    "go": ('panic("not implemented")', "\t"),
    "rust": ("todo!()", "    "),
}
"""The statement, and how far a body is indented where the old one does not show it."""


def stub(path: str, source: bytes, qualname: str) -> bytes:
    """The source with one function's body gone; in Go, imports that only it used go too.

    Raises:
        ValueError: as `functions.parse`, or the function must keep its body: Rust infers a type from it.
        KeyError: no function of that name.
    """
    grammar, _, tree = parse(path, source)
    function = next((one for one in find(grammar, tree.root_node, path, source) if one.qualname == qualname), None)
    if function is None:
        raise KeyError(qualname)
    result = function.node.child_by_field_name("return_type")
    if grammar.name == "rust" and result is not None and "impl " in text(result):
        raise ValueError(f"{path}: {qualname}: its type is inferred from its body, which can't be missing")
    body = _body(source, function, *_SAYS[grammar.name])
    before = source[: function.body.start]
    if before.rstrip().endswith(b"=>"):
        before = before.rstrip() + b" "  # a value may stand on a line of its own, a block doesn't
    stubbed = before + body + source[function.body.end :]
    return without_unused_imports(path, stubbed, source) if grammar.name == "go" else stubbed


def _body(source: bytes, function: Function, says: str, step: str) -> bytes:
    """The new body, indented as the old one was."""
    body = part(function.node, "body")
    first = next(iter(body.named_children), None) if source[body.start_byte : body.start_byte + 1] == b"{" else None
    outer = _indent(source, len(source[: body.start_byte].rstrip()))
    inner = _indent(source, first.start_byte) if first is not None else ""
    if len(inner) <= len(outer):
        inner = outer + step
    return f"{{\n{inner}{says}\n{outer}}}".encode()


def _indent(source: bytes, byte: int) -> str:
    line = source[source.rfind(b"\n", 0, byte) + 1 : byte]
    return line[: len(line) - len(line.lstrip())].decode()
