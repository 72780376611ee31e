"""Whether files that are named as tests hold any: some libraries name modules so, and ship no tests."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

_MAKERS = frozenset({"exec", "globals", "setattr", "load_tests"})
"""With these a file may make tests that do not stand in it."""


def any_test(folder: Path, paths: Iterable[str], settings: Mapping[str, str]) -> bool:
    """Whether any of these files may hold a test; `settings` are pytest's of the repository."""
    functions, classes = (settings.get(f"python_{kind}", "").split() for kind in ("functions", "classes"))
    return any(holds_tests((folder / path).read_bytes(), functions, classes) for path in paths)


def holds_tests(code: bytes, functions: Iterable[str] = (), classes: Iterable[str] = ()) -> bool:
    """Whether a file may hold a test function or method, or bring one from elsewhere; yes where it cannot be read.

    Args:
        functions: how the repository's tests are called, as pytest's settings have it; likewise `classes`.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return True
    functions, classes = (*functions, "test"), (*classes, "Test")
    methods: set[ast.AST] = set()
    for node in ast.walk(tree):  # a class comes before what is in it
        if isinstance(node, ast.ClassDef):
            methods |= set(node.body)
            inner = {each.name for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
            called = _is_called(node.name, classes) or any("Test" in ast.unparse(base) for base in node.bases)
            brings = bool(node.bases) or any(_is_called(name, functions) for name in inner)
            if called and brings and "__init__" not in inner:  # pytest takes no class that has one
                return True
        elif node not in methods and any(_is_called(name, (*functions, "Test")) for name in _names(node)):
            return True
    return False


def _is_called(name: str, patterns: Iterable[str]) -> bool:
    """As pytest sees it: by how the name begins, or by a pattern."""
    return any(name.startswith(each) or fnmatch(name, each) for each in patterns)


def _names(node: ast.AST) -> Iterator[str]:
    """What a statement or a call gives a name to; "test" where that may be anything."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield "test" if node.name in _MAKERS else node.name
    elif isinstance(node, ast.ImportFrom):
        names = ("test" if alias.name == "*" else alias.asname or alias.name for alias in node.names)
        yield from (name for name in names if name != "TestCase")
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MAKERS:
        yield "test"
