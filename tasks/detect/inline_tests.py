"""Rust's tests most often stand in the file that they test. A solution replaces that file whole, and the hidden tests
would replace the solution: so a module of tests is moved to a file of its own, which means the same to the compiler.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from tree_sitter import Node

from journeyman.tasks.sources.functions import text
from journeyman.tasks.sources.syntax.functions import parse

_TESTS_ONLY = re.compile(r"#\[\s*cfg\s*\(\s*test\s*\)\s*\]")


def move_inline_tests(folder: Path) -> list[str]:
    """Move modules that stand at the top of a file below `src` and are compiled for tests alone. Says which."""
    moved = []
    for path in sorted((folder / "src").rglob("*.rs")):
        source = path.read_bytes()
        try:
            root = parse(path.name, source).tree.root_node
        except ValueError:
            continue
        for module, name, body in reversed(list(_modules(root))):
            place = path.parent / ("" if path.name in ("lib.rs", "main.rs", "mod.rs") else path.stem) / f"{name}.rs"
            if place.exists():
                continue
            place.parent.mkdir(exist_ok=True)
            place.write_text(_content(body), encoding="utf-8")
            source = source[: body.start_byte].rstrip() + b";" + source[module.end_byte :]
            moved.append(place.relative_to(folder).as_posix())
        path.write_bytes(source)
    return [f"its inline tests stand in files of their own: {', '.join(sorted(moved))}"] if moved else []


def _modules(root: Node) -> Iterator[tuple[Node, str, Node]]:
    """(module, name, body) of the modules of tests at the top of a file."""
    for node in root.children:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        before = node.prev_sibling
        while before is not None and before.type == "attribute_item":
            if node.type == "mod_item" and name and body and _TESTS_ONLY.fullmatch(text(before)):
                yield node, text(name), body
                break
            before = before.prev_sibling


def _content(body: Node) -> str:
    """What stands between a module's braces, without its indentation, unless a string goes over several lines."""
    inner = text(body)[1:-1].strip("\n").rstrip() + "\n"
    waiting, whole = [body], True
    while waiting and whole:
        node = waiting.pop()
        whole = not (node.type in ("string_literal", "raw_string_literal") and b"\n" in (node.text or b""))
        waiting += node.children
    return textwrap.dedent(inner) if whole else inner
