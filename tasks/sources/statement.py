"""The lines of a test that failed: the statement itself and, where that names nothing of the library, the assignment
before it that made the value which it looks at.
"""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import lru_cache

from journeyman.tasks.python_ast import parse
from journeyman.tasks.sources.trial import Failure

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Told:
    """What a test says where it fails."""

    blocks: tuple[tuple[str, ...], ...] = ()
    """Lines of the statements, in order, each block without its indentation."""
    names: tuple[str, ...] = ()
    """Bare names of library functions that they name, those that are called first."""


def failing_lines(failure: Failure, tests: dict[str, bytes], known: Set[str]) -> Told:
    """The statement of the test in which a failure came up.

    Args:
        failure: how the test failed.
        tests: test file → its text.
        known: bare names of the library's functions.
    """
    own = failure.test.partition("[")[0].rpartition("::")[2]
    frames = [(path, line, name) for path, line, name in failure.frames if path in tests]
    # A helper of the test says less than the test's own line.
    frames = [frame for frame in frames if frame[2] == own] or frames
    if not frames:
        return Told()
    path, line, _ = frames[-1]
    source = tests[path].decode("utf-8", "replace")
    node = _statement_at(_parse(source), line)
    if node is None:
        return Told()
    names = tuple(dict.fromkeys(name for name in _names(node) if name in known))
    if names or (before := _origin(_parse(source), node, known)) is None:
        return Told((_lines(source, node),), names)
    names = tuple(dict.fromkeys(name for name in _names(before) if name in known))
    return Told((_lines(source, before), _lines(source, node)), names)


@lru_cache(maxsize=8)
def _parse(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return parse(source)


def _names(node: ast.AST) -> Iterator[str]:
    """Names that a statement calls, then all others: a function may be handed over uncalled, as to assertRaises."""
    parts = list(ast.walk(node))
    for part in [*(part.func for part in parts if isinstance(part, ast.Call)), *parts]:
        if isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Name):
            yield part.id


def _covers(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _statement_at(tree: ast.Module, line: int) -> ast.stmt | None:
    """The smallest statement that covers a line; a compound one (`with`, `for`) only when nothing smaller does."""
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.stmt) and _covers(node, line))
    covering = [node for node in statements if not isinstance(node, Function | ast.ClassDef)]
    return min(covering, key=lambda n: ((n.end_lineno or n.lineno) - n.lineno, -n.col_offset), default=None)


def _origin(tree: ast.Module, node: ast.stmt, known: Set[str]) -> ast.stmt | None:
    """The last assignment before a statement, in the same function, of a value that it uses, made by the library."""
    around = [n for n in ast.walk(tree) if isinstance(n, Function) and _covers(n, node.lineno)]
    if not around:
        return None
    function = max(around, key=lambda n: n.lineno)
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id not in {"self", "cls"}}
    found = [
        n
        for n in ast.walk(function)
        if isinstance(n, ast.Assign)
        and n.lineno < node.lineno
        and used & {t.id for target in n.targets for t in ast.walk(target) if isinstance(t, ast.Name)}
        and known & set(_names(n.value))
    ]
    return max(found, key=lambda n: n.lineno, default=None)


def _lines(source: str, node: ast.stmt) -> tuple[str, ...]:
    """As it stands there; a simple statement that is spread over several lines becomes one."""
    if (node.end_lineno or node.lineno) > node.lineno and not hasattr(node, "body"):
        return (ast.unparse(node),)
    lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
    return tuple(textwrap.dedent("\n".join(lines)).splitlines())
