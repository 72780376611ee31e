"""Small real tasks and sandboxes that tests of several rooms share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from journeyman.sandbox.sandbox import Environment
from journeyman.tasks.task import Budget, Check, CheckKind, Milestone, Task
from journeyman.tasks.verdict import Assurance

CANARY = "canary-5f0c1c2e-tiny"

PARCEL = '''"""What a parcel costs to send."""

FREE_FROM = 50


def total(prices):
    """Sum of the prices, in cents."""
    result = 0
    for price in prices:
        result += price
    return result


class Parcel:
    """Things that travel together."""

    def __init__(self, prices):
        self.prices = list(prices)

    def is_free(self):
        """Whether sending it is free: from FREE_FROM on."""
        return total(self.prices) > FREE_FROM

    def label(self, name):
        return f"to {name.strip()}"
'''
PARCEL_TESTS = """from parcel import Parcel, total


def test_total():
    assert total([1, 2]) == 3


def test_free_from_the_limit_on():
    assert Parcel([20, 30]).is_free()


def test_label():
    assert Parcel([]).label(" Ada ") == "to Ada"
"""
HIDDEN_TESTS = f"""# {CANARY}
from parcel import Parcel


def test_exactly_at_the_limit():
    assert Parcel([50]).is_free()


def test_below_the_limit():
    assert not Parcel([49]).is_free()
"""
FIX = {"line": 22, "new": "        return total(self.prices) >= FREE_FROM"}
"""Arguments of the edit to parcel.py that solves `tiny_task`."""


def write_files(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def solved(source: str = PARCEL) -> str:
    return source.replace("> FREE_FROM", ">= FREE_FROM")


def tiny_task(folder: Path, **changes: Any) -> Task:
    """A single bug: `>` where `>=` belongs. One visible test and one hidden test show it."""
    fields: dict[str, Any] = {
        "name": "tiny-parcel",
        "instruction": "A parcel worth exactly 50 should travel free, but does not.",
        "repository": write_files(
            folder / "repository",
            {"parcel.py": PARCEL, "tests/test_parcel.py": PARCEL_TESTS, "README.md": "Parcels.\n"},
        ),
        "hidden": write_files(folder / "hidden", {"tests/test_hidden_parcel.py": HIDDEN_TESTS}),
        "solution": write_files(folder / "solution", {"parcel.py": solved()}),
        "environment": Environment(),
        "assurance": Assurance.FRESH,  # the quickest: what is tried here is not the grading
        "checks": (
            Check(id="tests/test_parcel.py::test_free_from_the_limit_on"),
            Check(id="tests/test_hidden_parcel.py::test_exactly_at_the_limit"),
            Check(id="tests/test_parcel.py::test_total", kind=CheckKind.PASS_TO_PASS),
            Check(id="tests/test_hidden_parcel.py::test_below_the_limit", kind=CheckKind.PASS_TO_PASS),
        ),
        "budget": Budget(max_steps=30, command_timeout_s=20, grading_timeout_s=30),
        "canary": CANARY,
    }
    return Task(**{**fields, **changes})


def tiny_project(folder: Path, **changes: Any) -> Task:
    """Two functions to write, each a milestone with its own hidden check; the second builds on the first."""
    stub = "def double(x):\n    raise NotImplementedError\n\n\ndef quadruple(x):\n    raise NotImplementedError\n"
    done = "def double(x):\n    return 2 * x\n\n\ndef quadruple(x):\n    return double(double(x))\n"
    tests = (
        f"# {CANARY}\nfrom times import double, quadruple\n\n\n"
        "def test_double():\n    assert double(3) == 6\n\n\ndef test_quadruple():\n    assert quadruple(3) == 12\n"
    )
    checks = ("tests/test_times.py::test_double", "tests/test_times.py::test_quadruple")
    fields: dict[str, Any] = {
        "name": "tiny-times",
        "instruction": "Write the two functions of times.py.",
        "repository": write_files(folder / "repository", {"times.py": stub}),
        "hidden": write_files(folder / "hidden", {"tests/test_times.py": tests}),
        "solution": write_files(folder / "solution", {"times.py": done}),
        "assurance": Assurance.FRESH,
        "checks": tuple(Check(id=check) for check in checks),
        "milestones": (
            Milestone(name="double", title="Double", instruction="double(x) is twice x.", checks=checks[:1]),
            Milestone(name="quadruple", instruction="Twice double.", depends_on=("double",), checks=checks[1:]),
        ),
        "budget": Budget(max_steps=30, command_timeout_s=20, grading_timeout_s=30),
        "canary": CANARY,
    }
    return Task(**{**fields, **changes})
