"""Whether somebody who knows only the instruction and the repository could pass the tests of a fix.

They cannot where the tests call what only the fix has, or look for words that only the fix writes.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping

from journeyman.tasks.sources.git_history import Unfit
from journeyman.tasks.sources.leaks import Answer

MIN_WORDING = 6
"""Characters of a text that is more than a value."""


def refuse_unfair(
    tests: Mapping[str, bytes], solution: Mapping[str, bytes], answer: Answer, given: Iterable[bytes]
) -> None:
    """Look through the hidden tests.

    Args:
        tests: path → content of the hidden files.
        solution: path → content of the files that the fix changes, fixed.
        given: contents of the repository as the policy sees it.

    Raises:
        Unfit: they need what only the fix has.
    """
    trees = [tree for path, data in tests.items() if path.endswith(".py") and (tree := parse(data)) is not None]
    if needed := {name for tree in trees for name in used_names(tree)} & answer.names:
        raise Unfit("its tests need names that only the fix has", ", ".join(sorted(needed)))
    written = [text for data in solution.values() if (tree := parse(data)) is not None for text in texts_of(tree)]
    asked = {
        text
        for tree in trees
        for text in texts_of(tree)
        if len(text) >= MIN_WORDING and any(text in whole for whole in written)
    }
    if asked:
        known = b"\n".join(given)
        if new := sorted(text for text in asked if text.encode("utf-8", "surrogatepass") not in known):
            raise Unfit("its tests ask for wording that only the fix has", new[0][:100])


def parse(data: bytes) -> ast.Module | None:
    """A source's syntax; none where it has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(data)
        except (SyntaxError, ValueError, RecursionError):  # of another Python: then no test of it passes either
            return None


def used_names(tree: ast.AST) -> Iterator[str]:
    """Names that a test can only have from the code: imported, of an attribute, of a keyword."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            for alias in node.names:
                yield from alias.name.split(".")
            yield from (getattr(node, "module", None) or "").split(".")
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg


def texts_of(tree: ast.AST) -> Iterator[str]:
    """Texts that a program may write or be given: not docstrings."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value.strip()
