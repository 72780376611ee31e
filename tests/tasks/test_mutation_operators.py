"""Each operator makes the mistake that it is named after, and no other byte changes."""

from __future__ import annotations

import ast
import inspect
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyman.sandbox import channel
from journeyman.tasks import grading, runner
from journeyman.tasks.sources import library, symptom
from journeyman.tasks.sources.functions import find_functions
from journeyman.tasks.sources.operators.mutation import Mutation
from journeyman.tasks.sources.operators.registry import OPERATORS, mutations


def mutants_of(body: str, operator: str, header: str = "def f(a, b, c=1):") -> set[str]:
    """The bodies that one operator makes of a function's body."""
    source = f"{header}\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n".encode()
    found = mutations("m.py", source, {operator: OPERATORS[operator]})
    return {textwrap.dedent(m.apply(source).decode().partition("\n")[2]).strip() for m in found}


@pytest.mark.parametrize(
    ("operator", "body", "expected"),
    [
        ("comparison", "return a < b", {"return a <= b", "return a > b"}),
        ("comparison", "return a not in b", {"return a in b"}),
        ("comparison", "return a is None", {"return a is not None"}),
        ("comparison", "return a == b != c", {"return a != b != c", "return a == b == c"}),
        ("boundary", "return a[1:]", {"return a[2:]", "return a[0:]"}),
        ("boundary", "return a[:b]", {"return a[:b - 1]", "return a[:b + 1]"}),
        ("boundary", "return a[-1]", {"return a[-2]"}),
        ("boundary", "return list(range(b))", {"return list(range(b - 1))", "return list(range(b + 1))"}),
        ("arithmetic", "return a + b", {"return a - b"}),
        ("arithmetic", "a -= b\nreturn a", {"a += b\nreturn a"}),
        ("arithmetic", "return -a", {"return a"}),
        ("arithmetic", "return 'x' + a", set()),
        ("arithmetic", "return '%s' % a", set()),
        ("boolean", "return a and b", {"return a or b", "return a", "return b"}),
        ("boolean", "return not a", {"return a"}),
        ("boolean", "while a:\n    pass", {"while not a:\n    pass"}),
        ("boolean", "return b if a else c", {"return b if not a else c"}),
        ("wrong_name", "return a", {"return c", "return b"}),
        ("wrong_name", "x = 1\nreturn x", {"x = 1\nreturn c", "x = 1\nreturn b", "x = 1\nreturn a"}),
        ("wrong_name", "return a.lower()", {"return c.lower()", "return b.lower()"}),
        ("wrong_name", "return dict(a=1)", set()),
        ("swapped_arguments", "return g(a, b)", {"return g(b, a)"}),
        ("swapped_arguments", "return g(a, a)", set()),
        ("swapped_arguments", "return g(a, key=b)", set()),
        ("wrong_method", "return a.lower()", {"return a.upper()"}),
        ("wrong_method", "return min(a)", {"return max(a)"}),
        ("wrong_method", "return a.lower", set()),
        ("wrong_method", "return lower(a)", set()),
        ("wrong_constant", "return True", {"return False"}),
        ("wrong_constant", "return 0.5", {"return 1.5"}),
        ("wrong_constant", "return ''", {"return ' '"}),
        ("wrong_constant", "return f'{a}'", set()),
        ("wrong_constant", r"return r'\d+'", {r"return r'\d*'", r"return r'\w+'"}),
        ("dropped_branch", "if a:\n    return 1\nreturn 2", {"return 2"}),
        ("dropped_branch", "if a:\n    b = 1\nelse:\n    b = 2\nreturn b", {"if a:\n    b = 1\nreturn b"}),
        ("dropped_branch", "if a:\n    return 1", set()),
        ("dropped_statement", "a.append(b)\nreturn a", {"pass\nreturn a"}),
        ("dropped_statement", "for x in a:\n    continue", {"for x in a:\n    break"}),
        ("forced_condition", "if a:\n    b = 1", {"if True:\n    b = 1", "if False:\n    b = 1"}),
        ("return_value", "return list(a)", {"return a"}),
        ("return_value", "return a, b", {"return b, a"}),
        ("return_value", "return a", {"return None"}),
    ],
)  # fmt: skip
def test_what_each_operator_does(operator: str, body: str, expected: set[str]) -> None:
    assert mutants_of(body, operator) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("def f(a, b=True):", {"def f(a, b=False):"}),
        ("def f(a, b: int = 1):", {"def f(a, b: int = 2):", "def f(a, b: int = 0):"}),
        ("def f(a, *, b=None):", {"def f(a, *, b=0):", "def f(a, *, b=True):"}),
        ("def f(a, b=object()):", set()),
    ],
)
def test_a_default_that_is_not_what_it_was(header: str, expected: set[str]) -> None:
    source = f"{header}\n    return a\n".encode()
    found = mutations("m.py", source, {"wrong_default": OPERATORS["wrong_default"]})
    assert {m.apply(source).decode().partition("\n")[0] for m in found} == expected


def test_attributes_are_mistaken_for_each_other() -> None:
    source = b"class A:\n    def f(self):\n        self.g()\n        return self.low + self.high\n"
    found = mutations("m.py", source, {"wrong_attribute": OPERATORS["wrong_attribute"]})
    changed = {m.apply(source).splitlines()[-1].strip() for m in found}
    assert changed == {b"return self.high + self.high", b"return self.low + self.low"}


def test_words_are_left_alone() -> None:
    """Docstrings, annotations, comments, logging, imports and the wording of errors hold no behaviour."""
    source = b'''
def f(a: "int < 3") -> "True":
    """Returns True if 1 < 2."""
    import os  # 1 < 2
    logger.info("got %d", 1 + 2)
    x: "1 < 2"
    raise ValueError("not True", 1 < 2)
'''
    assert mutations("m.py", source) == ()


def test_a_source_that_is_not_python_is_refused() -> None:
    with pytest.raises(ValueError, match=r"broken\.py"):
        mutations("broken.py", b"def f(:\n")


def test_a_mutation_knows_another_version_of_its_file() -> None:
    source = b"def f(a):\n    return a < 1\n"
    mutation = mutations("m.py", source)[0]
    assert Mutation.from_dict(mutation.to_dict()) == mutation
    with pytest.raises(ValueError, match="another version"):
        mutation.apply(b"# a new first line\n" + source)


REAL = [inspect.getsource(module).encode() for module in (symptom, library, grading, runner, channel)]


@settings(max_examples=25)
@given(st.sampled_from(REAL), st.data())
def test_every_mutant_parses_differs_and_touches_only_its_span(source: bytes, data: st.DataObject) -> None:
    found = mutations("m.py", source)
    mutation = data.draw(st.sampled_from(found))
    mutant = mutation.apply(source)
    ast.parse(mutant)
    assert mutant != source
    assert mutant[: mutation.start] == source[: mutation.start]
    assert mutant[mutation.start :].removeprefix(mutation.replacement.encode()) == source[mutation.end :]
    before, after = source.splitlines(), mutant.splitlines()
    if mutation.one_line:
        assert len(before) == len(after)
        assert [n for n, (a, b) in enumerate(zip(before, after, strict=True), 1) if a != b] == [mutation.line]
    function = next(f for f in find_functions(source) if f.qualname == mutation.function)
    assert function.first_line <= mutation.line <= function.last_line
    for other in find_functions(source):
        if other.docstring is not None:
            assert mutation.end <= other.docstring.start or other.docstring.end <= mutation.start


def test_a_source_has_the_same_mutations_each_time() -> None:
    found = mutations("m.py", REAL[0])
    assert found == mutations("m.py", REAL[0])
    assert len({(m.start, m.end, m.replacement) for m in found}) == len(found)
