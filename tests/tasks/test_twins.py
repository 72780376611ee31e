"""Assurance `twins`: a solution's known-bad twin must fail, and it must answer as the reference where no test asks."""

from __future__ import annotations

import ast
import inspect
import json
import os
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.sandbox.inside.fuzz import encoded
from journeyman.sandbox.sandbox import File, SandboxFactory, Snapshot
from journeyman.tasks import grading, runner
from journeyman.tasks.grading import grade
from journeyman.tasks.sources import library
from journeyman.tasks.task import Task, TaskError
from journeyman.tasks.trees import pristine_tree, solution_tree
from journeyman.tasks.twins.fuzz import comparable
from journeyman.tasks.twins.spoil import spoil
from journeyman.tasks.twins.variations import varied
from journeyman.tasks.validation import check_task, stronger
from journeyman.tasks.verdict import Assurance, Cause, Outcome

from .conftest import EMPTY, HIDDEN, SOLUTION, SUM, TAX, VISIBLE

BuildShop = Callable[..., Task]


@pytest.fixture
def twins(shop: Task) -> Task:
    return shop.model_copy(update={"assurance": Assurance.TWINS})


def left(**files: str) -> Snapshot:
    """A policy's edits below `shop/`, by module."""
    changed = {f"shop/{name}.py": File(text.encode()) for name, text in files.items()}
    return Snapshot(tree_hash="", base_hash="", changed=changed)


def test_the_reference_is_paid_and_doing_nothing_is_not(twins: Task, sandboxes: SandboxFactory) -> None:
    certificate = check_task(twins, sandboxes, runs=2)
    assert certificate.sound, certificate.reasons
    assert certificate.assurance is Assurance.TWINS
    assert [better.assurance for better in stronger(twins, sandboxes, runs=1)] == [Assurance.SPLIT]


def test_another_solution_is_paid(twins: Task, sandboxes: SandboxFactory) -> None:
    code = "def total(prices):\n    left = 0\n    for price in prices:\n        left += price\n    return left\n"
    verdict = grade(twins, left(cart=code, tax="def with_tax(price):\n    return 1.25 * price\n"), sandboxes)
    assert verdict.resolved is True, verdict.detail


def test_a_replaced_runner_passes_for_the_twin_too_and_so_counts_for_nothing(
    twins: Task, sandboxes: SandboxFactory
) -> None:
    forged = "import _pytest.python\n_pytest.python.Function.runtest = lambda self: None\n\n\ndef total(prices): ...\n"
    tree = left(cart=forged, tax="with_tax = None\n")
    assert grade(twins.model_copy(update={"assurance": Assurance.FRESH}), tree, sandboxes).resolved is True
    verdict = grade(twins, tree, sandboxes)
    assert (verdict.resolved, verdict.cause) == (False, Cause.TWIN)
    assert {verdict.outcomes[check] for check in twins.fail_to_pass} == {Outcome.FAILED}
    assert verdict.milestones == {"cart": False, "tax": False}
    assert "do not fail where none of the code's functions gives an answer" in verdict.detail


def test_checks_that_are_forged_beside_honest_failures_do_not_count_either(
    twins: Task, sandboxes: SandboxFactory
) -> None:
    forged = (
        "import _pytest.python as p\nrun = p.Function.runtest\n\n\ndef some(self):\n"
        "    if 'sum' in self.name or 'number' in self.name: return\n    run(self)\n\n\np.Function.runtest = some\n\n\n"
        "def total(prices): return -1\n"
    )
    verdict = grade(twins, left(cart=forged), sandboxes)
    assert verdict.outcomes == {
        SUM: Outcome.FAILED, EMPTY: Outcome.FAILED, TAX: Outcome.FAILED, VISIBLE: Outcome.PASSED,
    }  # fmt: skip


def test_an_object_that_equals_everything_is_no_answer(twins: Task, sandboxes: SandboxFactory) -> None:
    yes = "class Yes:\n    def __eq__(self, other): return True\n    def __ge__(self, other): return True\n"
    tree = left(cart=f"{yes}\n\ndef total(prices): return Yes()\n", tax=f"{yes}\n\ndef with_tax(price): return Yes()\n")
    assert grade(twins.model_copy(update={"assurance": Assurance.FRESH}), tree, sandboxes).resolved is True
    verdict = grade(twins, tree, sandboxes)
    assert (verdict.resolved, verdict.cause) == (False, Cause.TWIN)
    assert "answers as the reference does in 0 of" in verdict.detail


def test_what_is_written_for_the_tests_alone_is_found_out(twins: Task, sandboxes: SandboxFactory) -> None:
    known = "def total(prices): return {2: 3, 0: 0, 1: 2}.get(len(prices), -9)\n"
    verdict = grade(twins, left(cart=known, tax="def with_tax(price): return 5\n"), sandboxes)
    assert verdict.resolved is False
    assert verdict.cause is Cause.TWIN


def test_a_check_that_asks_no_function_cannot_be_graded_so(shop_with: BuildShop, sandboxes: SandboxFactory) -> None:
    constant = (
        "import shop.cart\n\n\ndef test_sum():\n    assert shop.cart.RATE == 4\n\n\n"
        "def test_empty():\n    assert shop.cart.RATE\n"
    )
    solution = {**SOLUTION, "shop/cart.py": SOLUTION["shop/cart.py"] + "\n\nRATE = 4\n"}
    task = shop_with(hidden={**HIDDEN, "tests/test_hidden_cart.py": constant}, solution=solution)
    certificate = check_task(task.model_copy(update={"assurance": Assurance.TWINS}), sandboxes, runs=1)
    assert f"{SUM}: failed on the reference" in certificate.reasons


def test_without_a_reference_there_is_no_such_level(shop: Task) -> None:
    with pytest.raises((TaskError, ValueError), match="needs a reference"):
        Task(**{**dict(shop), "solution": None, "assurance": Assurance.TWINS})


@pytest.mark.parametrize("module", [grading, runner, library])
def test_a_twin_is_python_and_keeps_every_name(module: Any) -> None:
    source = inspect.getsource(module)
    twin = ast.parse(spoil(source.encode(), "_mark", frozenset()))
    assert isinstance(twin.body[1], ast.ImportFrom) and twin.body[1].module == "__future__"
    names = [
        {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        for tree in (ast.parse(source), twin)
    ]
    assert names[1] == {*names[0], "_mark_", "_mark_taken"}
    for source in (b"def broken(:", b"-" * 200_000 + b"1", b"a." * 100_000 + b"a", b"1\n" * 600_000):
        assert spoil(source, "_mark", frozenset()) == source


def test_a_twin_does_all_and_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        '"""Words."""\nfrom __future__ import annotations\nseen = []\n'
        "def plain(x):\n    seen.append(x)\n    return x\n"
        "def caught():\n    try:\n        return plain(2)\n    except BaseException:\n        return 3\n"
        "def items():\n    seen.append('items')\n    yield 1\nshort = lambda x: seen.append(x)\nearly = plain(0)\n"
        "from statistics import fmean as mean\n"
    )
    monkeypatch.setitem(os.environ, "PYTEST_CURRENT_TEST", "tests/test_x.py::test_y (setup)")
    space: dict[str, Any] = {"__name__": "twin"}
    exec(compile(spoil(source.encode(), "_mark", frozenset({__file__})), "twin.py", "exec"), space)
    assert space["early"] == 0
    assert space["plain"](1) == 1
    monkeypatch.setitem(os.environ, "PYTEST_CURRENT_TEST", "tests/test_x.py::test_y (call)")
    calls = (lambda: space["plain"](2), space["caught"], lambda: list(space["items"]()), lambda: space["short"](4))
    for call in (*calls, lambda: space["mean"]([1])):
        with pytest.raises(space["_mark"]):
            call()
    assert space["seen"] == [0, 1, 2, 2, "items", 4]


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=4),
    lambda items: (
        st.lists(items, max_size=4) | st.dictionaries(st.text(max_size=3), items, max_size=3) | st.tuples(items)
    ),
    max_leaves=12,
)


@given(st.lists(DATA, max_size=3), st.integers())
def test_a_changed_call_is_plain_data_of_the_same_function_and_depends_on_the_seed_alone(
    arguments: list[Any], seed: int
) -> None:
    call = ["m", "f", encoded(arguments), encoded({})]
    before = json.dumps(call)
    one, two = varied(call, Random(seed)), varied(call, Random(seed))
    assert json.dumps(one) == json.dumps(two)
    assert json.dumps(call) == before
    assert one[:2] == ["m", "f"] and len(one[2]) == len(call[2]) and one[3] == ["dict"]


@given(DATA)
def test_data_compares_by_its_content(value: Any) -> None:
    assert comparable(encoded(value)) == comparable(encoded(value))
    assert comparable(encoded([value, value])) == comparable(encoded((value, value)))
    assert comparable(encoded([value])) != comparable(encoded([value, value]))
    assert comparable(encoded({"a": 1, "b": value})) == comparable(encoded({"b": value, "a": 1}))


def test_nothing_is_done_to_a_solution_of_which_no_check_passes(twins: Task, sandboxes: SandboxFactory) -> None:
    verdict = grade(twins, pristine_tree(), sandboxes)
    assert (verdict.resolved, verdict.cause) == (False, None)
    assert grade(twins, solution_tree(twins), sandboxes).tree_hash != verdict.tree_hash
