"""A tiny task that a test can read whole, and the sandboxes that grade it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import Environment, SandboxFactory
from journeyman.tasks.harbor import save_task
from journeyman.tasks.task import Budget, Check, CheckKind, Milestone, Task
from journeyman.tasks.verdict import Assurance

REPOSITORY = {
    "shop/__init__.py": "",
    "shop/cart.py": "def total(prices):\n    return sum(prices) - 1\n",
    "shop/tax.py": "def with_tax(price):\n    raise NotImplementedError\n",
    "tests/test_cart.py": "from shop.cart import total\n\n\ndef test_total_is_number():\n    assert total([2]) >= 0\n",
    "README.md": "A shop.\n",
}
SOLUTION = {
    "shop/cart.py": "def total(prices):\n    return sum(prices)\n",
    "shop/tax.py": "from shop.cart import total\n\n\ndef with_tax(price):\n    return total([price, price / 4])\n",
}
HIDDEN = {
    "tests/test_hidden_cart.py": (
        "from shop.cart import total\n\n\ndef test_sum():\n    assert total([1, 2]) == 3\n\n\n"
        "def test_empty():\n    assert total([]) == 0\n"
    ),
    "tests/test_hidden_tax.py": ("from shop.tax import with_tax\n\n\ndef test_tax():\n    assert with_tax(4) == 5\n"),
    "tests/test_cart.py": REPOSITORY["tests/test_cart.py"],
}
SUM, EMPTY = "tests/test_hidden_cart.py::test_sum", "tests/test_hidden_cart.py::test_empty"
TAX, VISIBLE = "tests/test_hidden_tax.py::test_tax", "tests/test_cart.py::test_total_is_number"


def lay(folder: Path, files: dict[str, str]) -> Path:
    """Write these files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def make_shop(
    folder: Path,
    repository: dict[str, str] | None = None,
    solution: dict[str, str] | None = None,
    hidden: dict[str, str] | None = None,
) -> Task:
    """The shop: two milestones, the second built on the first; any part can be replaced."""
    loose = Task(
        name="journeyman/shop",
        instruction="The total is one too small, and there is no tax.",
        repository=lay(folder / "loose" / "repository", REPOSITORY if repository is None else repository),
        solution=lay(folder / "loose" / "solution", SOLUTION if solution is None else solution),
        hidden=lay(folder / "loose" / "hidden", HIDDEN if hidden is None else hidden),
        environment=Environment(requirements=("pytest",)),
        checks=(Check(id=SUM), Check(id=EMPTY), Check(id=TAX), Check(id=VISIBLE, kind=CheckKind.PASS_TO_PASS)),
        milestones=(
            Milestone(name="cart", title="Sum", instruction="Totals are right.", checks=(SUM, EMPTY)),
            Milestone(name="tax", instruction="A quarter on top.", depends_on=("cart",), checks=(TAX,)),
        ),
        assurance=Assurance.FRESH,  # the tests of the other levels ask for them
        budget=Budget(grading_timeout_s=20.0),
        metadata={"difficulty": "easy", "keywords": ["shop"]},
    )
    return save_task(loose, folder / "shop")


@pytest.fixture
def shop(tmp_path: Path) -> Task:
    return make_shop(tmp_path)


@pytest.fixture
def shop_with(tmp_path: Path) -> Callable[..., Task]:
    return lambda **parts: make_shop(tmp_path, **parts)


@pytest.fixture(scope="session")
def sandboxes() -> SandboxFactory:
    return open_backend("namespace")
