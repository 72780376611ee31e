"""Which failing tests the policy may see: about half are cut out, so that a fix must hold beyond what is shown."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

from journeyman.tasks.sources.code import is_python
from journeyman.tasks.sources.functions import Function, find_functions
from journeyman.tasks.sources.syntax.cut import cut_tests


def function_of(test: str) -> str:
    """The test function of a node id: "tests/test_x.py::TestY::test_z[1]" without its parameters, Go's without its
    subtests; another language's is whole.
    """
    path = test.partition("::")[0]
    if is_python(path):
        return test.partition("[")[0]
    return path + test.removeprefix(path).partition("/")[0] if path.endswith(".go") else test


def choose_hidden(failing: Sequence[str], shown: str, tests: dict[str, bytes], rng: random.Random) -> tuple[str, ...]:
    """About half of the failing test functions, never the one that the instruction shows.

    Only functions are taken which stand in their file under their own name and are named nowhere else in it: what is
    left must still run.
    """
    functions = list(dict.fromkeys(function_of(test) for test in failing))
    able = [name for name in functions if name != function_of(shown) and _can_be_cut(name, tests)]
    return tuple(sorted(rng.sample(able, min(len(able), len(functions) // 2))))


def cut(path: str, source: bytes, hidden: Iterable[str]) -> bytes:
    """A test file without those of the test functions that stand in it (names as `function_of` gives them)."""
    wanted = {name.partition("::")[2].replace("::", ".") for name in hidden if name.partition("::")[0] == path}
    if not wanted:
        return source
    if not is_python(path):
        return cut_tests(path, source, {name.partition("::")[2] for name in hidden if name.partition("::")[0] == path})
    for function in sorted(find_functions(source), key=lambda f: f.span.start, reverse=True):
        if function.qualname in wanted:
            source = _without(source, function)
    return source


def _can_be_cut(name: str, tests: dict[str, bytes]) -> bool:
    path, _, inner = name.partition("::")
    source = tests.get(path, b"")
    if not is_python(path):
        try:
            return cut_tests(path, source, {inner}) != source
        except (KeyError, ValueError):  # made by a loop, or named in another way
            return False
    found = [f for f in find_functions(source) if f.qualname == inner.replace("::", ".")]
    mentions = len(re.findall(rb"\b%s\b" % re.escape(inner.rpartition("::")[2].encode()), source))
    return len(found) == 1 and mentions == 1


def _without(source: bytes, function: Function) -> bytes:
    start = source.rfind(b"\n", 0, function.span.start) + 1
    newline = source.find(b"\n", function.span.end)
    end = len(source) if newline < 0 else newline + 1
    whole = function.node.parent if function.decorators else function.node
    block = whole.parent if whole is not None else None
    alone = (
        block is not None
        and block.type == "block"
        and len([c for c in block.named_children if c.type != "comment"]) == 1
    )
    filler = source[start : function.span.start] + b"pass\n" if alone else b""
    return source[:start] + filler + source[end:]
