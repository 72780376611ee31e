"""Whether somebody who knows only the instruction and the repository could pass the tests of a fix.

They cannot where the tests call what only the fix has, or look for words that only the fix writes.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping

from journeyman.tasks.sources.functions import Function, find_functions
from journeyman.tasks.sources.git_history import Unfit
from journeyman.tasks.sources.leaks import Answer, words_of

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


def new_definitions(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[frozenset[str], frozenset[str]]:
    """Names of functions that only the fixed code defines; and of parameters that a function has only there.

    They may be words of the repository all the same, and then no identifier that only the fix has.
    """
    old, new = ({(f.qualname, f.parameters) for f in _functions(side)} for side in (before, after))
    known = {qualname for qualname, _ in old}
    functions = {qualname.rpartition(".")[2] for qualname, _ in new if qualname not in known}
    had = {(qualname, parameter) for qualname, parameters in old for parameter in parameters}
    has = {(qualname, parameter) for qualname, parameters in new for parameter in parameters if qualname in known}
    return frozenset(functions), frozenset(parameter for _, parameter in has - had)


def untold(tests: Mapping[str, bytes], before: Mapping[str, bytes], after: Mapping[str, bytes], text: str) -> str:
    """New functions and parameters that tests use and a text does not name; empty where there are none."""
    functions, parameters = new_definitions(before, after)
    trees = [tree for path, data in tests.items() if path.endswith(".py") and (tree := parse(data)) is not None]
    used = {name for tree in trees for name in used_names(tree)} & functions
    keywords = (node.arg for tree in trees for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg)
    used |= set(keywords) & parameters
    return ", ".join(sorted(used - words_of(text.encode())))


def _functions(sources: Mapping[str, bytes]) -> Iterator[Function]:
    for data in sources.values():
        yield from find_functions(data)


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
