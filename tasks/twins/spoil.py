"""A solution's known-bad twin: the same code, but to a test none of its functions gives anything back.

Every function runs to its end, with all that it does to the process around it, and then raises. So what a solution
did to the runner its twin does too, and a check that passes all the same was not decided by what the code answers.
"""

from __future__ import annotations

import ast
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from journeyman.sandbox.sandbox import WORKSPACE, File
from journeyman.tasks.edits import SourceEdits, counts_for
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.python_ast import parse
from journeyman.tasks.task import Task

MAX_SOURCE = 1 << 20
"""Bytes of a file; reading a larger one would take gigabytes of the supervisor's memory."""

# Only what a test's own function calls, at whatever depth: a twin whose import or set-up fails shows nothing of the
# rest, and what the solution put into the runner must do here what it does for the solution.
_SPOIL = '''
class {name}(BaseException):
    """Not to be caught by what catches errors."""


def {name}_(value=None):
    import os, sys
    if not os.environ.get("PYTEST_CURRENT_TEST", "").endswith("(call)"):
        return value
    if "pytest" not in sys.modules:
        raise {name}("spoiled, in a program that a test started")
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename in {tests}:
            raise {name}("spoiled")
        frame = frame.f_back
    return value
'''
# `mean = statistics.fmean` is an answer of the code's too.
_SPOIL_TAKEN = """
def {name}_taken(function):
    return lambda *args, **kwargs: {name}_(function(*args, **kwargs))


for {name}_key, {name}_value in list(globals().items()):
    if type({name}_value) in (type(lambda: 0), type(len)) and {name}_value.__module__ != __name__:
        globals()[{name}_key] = {name}_taken({name}_value)
"""


def twin_of(task: Task, edits: SourceEdits) -> SourceEdits:
    """The edits that make the twin of a solution, out of the solution's own."""
    name = f"_{secrets.token_hex(4)}"  # not known beforehand, so that code cannot easily tell that it is the twin's
    tests = frozenset(f"{WORKSPACE}/{check.id.partition('::')[0]}" for check in task.checks)
    spoiled = {path: replace(file, data=spoil(file.data, name, tests)) for path, file in sources(task, edits)}
    return replace(edits, changed={**edits.changed, **spoiled})


def sources(task: Task, edits: SourceEdits) -> Iterator[tuple[str, File]]:
    """The Python files that a solution may change, as the solution has them."""
    counts = counts_for(task)
    pristine = {name: path for name, path in walk(task.repository) if name not in edits.removed and counts(name)}
    for name in sorted(pristine.keys() | edits.changed.keys()):
        if PurePosixPath(name).suffix == ".py":
            yield name, edits.changed.get(name) or File(pristine[name].read_bytes())


def spoil(source: bytes, name: str, tests: frozenset[str]) -> bytes:
    """Source whose functions do what they did and then, below a function of the files `tests`, raise `name`.

    What is no Python, or too large or too deep to be read, stays as it is: its answers are as good as the solution's,
    so that nothing is paid for them.
    """
    if len(source) > MAX_SOURCE:
        return source
    try:
        tree = parse(source)
        _Spoiler(name).visit(tree)
        after = sum(1 for _ in _head(tree))
        tree.body[after:after] = parse(_SPOIL.format(name=name, tests=sorted(tests))).body
        tree.body += parse(_SPOIL_TAKEN.format(name=name)).body
        return ast.unparse(ast.fix_missing_locations(tree)).encode()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source


def _head(tree: ast.Module) -> Iterator[ast.stmt]:
    """What must stay first: the docstring, and imports from `__future__`."""
    for number, statement in enumerate(tree.body):
        is_docstring = not number and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not is_docstring and not (isinstance(statement, ast.ImportFrom) and statement.module == "__future__"):
            return
        yield statement


class _Spoiler(ast.NodeTransformer):
    def __init__(self, name: str) -> None:
        self._name = f"{name}_"

    def _call(self, *values: ast.expr) -> ast.Call:
        return ast.Call(ast.Name(self._name, ast.Load()), list(values), [])

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        body = ast.Try(body=node.body, handlers=[], orelse=[], finalbody=[ast.Expr(self._call())])
        docstring = node.body[:1] if ast.get_docstring(node, clean=False) is not None else []
        node.body = [*docstring, body]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.generic_visit(node)
        node.body = self._call(node.body)
        return node

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        """A generator's first answer is spoiled: its end may never come."""
        self.generic_visit(node)
        node.value = self._call(*([node.value] if node.value is not None else []))
        return node

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        self.generic_visit(node)
        node.value = self._call(node.value)
        return node
