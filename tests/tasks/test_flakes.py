"""Solutions that are surely wrong, and the benchmark that grades the same trees again and again: a short run of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from journeyman.tasks.audit.lazy import BODIES, lazy_solutions
from journeyman.tasks.task import Task

from .conftest import SOLUTION

BuildShop = Callable[..., Task]


def test_all_that_the_reference_changes_is_idle_in_a_wrong_solution(shop: Task) -> None:
    wrong = lazy_solutions(shop)
    assert wrong.keys() == BODIES.keys()
    for name, tree in wrong.items():
        assert tree.changed["shop/cart.py"].data.decode() == f"def total(prices):\n    {BODIES[name]}\n"
        assert tree.changed["shop/tax.py"].data.decode().endswith(f"def with_tax(price):\n    {BODIES[name]}\n")


def test_what_the_reference_leaves_alone_stays(shop_with: BuildShop) -> None:
    shop = shop_with(solution={"shop/cart.py": SOLUTION["shop/cart.py"] + "\n\ndef rest(x):\n    return x\n"})
    (shop.repository / "shop/cart.py").write_text("def total(prices):\n    return 1\n\n\ndef rest(x):\n    return x\n")
    assert lazy_solutions(shop)["returns zero"].changed["shop/cart.py"].data.decode() == (
        "def total(prices):\n    return 0\n\n\ndef rest(x):\n    return x\n"
    )


def flakes(house: Path, folder: Path, *words: str) -> dict[str, Any]:
    command = [sys.executable, str(house / "benchmarks/flakes.py"), str(folder), "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_gradings_are_counted_and_a_second_run_goes_on(shop: Task, tmp_path: Path, house: Path) -> None:
    folder = tmp_path / "shop"
    assert flakes(house, folder, "--gradings", "3")["gradings"] == {"nothing": 1, "reference": 2}
    found = flakes(house, folder, "--gradings", "9", "--wrong")
    assert found["gradings"] == {"nothing": 2, "reference": 2, "wrong": 5}
    assert (found["disagreements"], found["wrong_paid"], found["odd"]) == (0, 0, [])
    assert len((folder / "flakes.jsonl").read_text().splitlines()) == 9


@pytest.mark.slow
def test_a_grading_that_disagrees_is_found(shop_with: BuildShop, tmp_path: Path, house: Path) -> None:
    shop_with(solution={**SOLUTION, "shop/tax.py": "def with_tax(price):\n    return price\n"})
    found = flakes(house, tmp_path / "shop", "--gradings", "2")
    assert (found["disagreements"], found["rate"]) == (1, 0.5)
    assert found["odd"][0]["odd"] == ["tests/test_hidden_tax.py::test_tax"]
