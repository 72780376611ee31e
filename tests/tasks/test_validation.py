"""The proof of a task: the sound one gets its certificate, each unsound one its reason in words."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Check, CheckKind, Task
from journeyman.tasks.validation import Certificate, check_task

BuildShop = Callable[..., Task]
GOOD_CART = "def total(prices):\n    return sum(prices)\n"
GOOD_TAX = "def with_tax(price):\n    return price * 5 / 4\n"
SOLUTION = {"shop/cart.py": GOOD_CART, "shop/tax.py": GOOD_TAX}


def reasons(certificate: Certificate) -> str:
    assert not certificate.sound
    return "\n".join(certificate.reasons)


def test_a_sound_task_is_proven(shop: Task, sandboxes: SandboxFactory) -> None:
    certificate = check_task(shop, sandboxes, runs=2)
    assert certificate.sound, certificate.reasons
    assert (certificate.reference_resolved, certificate.noop_resolved, certificate.runs) == (2, 0, 2)
    assert certificate.milestones == ("cart", "tax")
    assert certificate.grading_s > 0
    assert json.loads(json.dumps(certificate.as_json()))["sound"] is True


def test_a_solution_that_does_not_solve(shop_with: BuildShop, sandboxes: SandboxFactory) -> None:
    task = shop_with(solution={**SOLUTION, "shop/tax.py": "def with_tax(price):\n    return 0\n"})
    assert "test_tax: failed on the reference" in reasons(check_task(task, sandboxes))


def test_a_solution_outside_the_editable_files(shop_with: BuildShop, sandboxes: SandboxFactory) -> None:
    task = shop_with(solution={**SOLUTION, "README.md": "Better.\n"})
    assert "edits what does not count (README.md)" in reasons(check_task(task, sandboxes, runs=1))


def test_a_check_that_passes_already(shop: Task, sandboxes: SandboxFactory) -> None:
    visible = shop.pass_to_pass[0]
    checks = (*[Check(id=i) for i in shop.fail_to_pass], Check(id=visible))
    certificate = check_task(shop.model_copy(update={"checks": checks}), sandboxes, runs=1)
    assert f"{visible}: fail_to_pass, but passes on the unchanged repository" in reasons(certificate)


def test_a_check_that_fails_already(shop: Task, sandboxes: SandboxFactory) -> None:
    checks = tuple(
        Check(id=check.id, kind=CheckKind.PASS_TO_PASS) if "test_empty" in check.id else check for check in shop.checks
    )
    certificate = check_task(shop.model_copy(update={"checks": checks}), sandboxes, runs=1)
    assert "test_empty: pass_to_pass, but failed on the unchanged repository" in reasons(certificate)


def test_a_check_that_is_not_there(shop: Task, sandboxes: SandboxFactory) -> None:
    checks = (*shop.checks, Check(id="tests/test_hidden_cart.py::test_forgotten"))
    certificate = check_task(shop.model_copy(update={"checks": checks}), sandboxes, runs=1)
    assert "test_forgotten: missing on the reference" in reasons(certificate)


def test_a_check_that_decides_by_chance(shop_with: BuildShop, sandboxes: SandboxFactory) -> None:
    chance = "import os\n\n\ndef total(prices):\n    return sum(prices) if os.urandom(1)[0] % 2 else -1\n"
    task = shop_with(solution={**SOLUTION, "shop/cart.py": chance})
    told = reasons(check_task(task, sandboxes, runs=8))
    assert "the reference's runs disagree (failed, passed)" in told


def test_a_leak_of_hidden_text(shop: Task, sandboxes: SandboxFactory) -> None:
    (shop.repository / "NOTES.md").write_text(f"see {shop.canary}")
    leaky = shop.model_copy(update={"instruction": f"Fix it. {shop.canary}"})
    told = reasons(check_task(leaky, sandboxes, runs=1))
    assert "the canary stands in instruction.md" in told
    assert "repository/NOTES.md" in told


def test_no_reference_at_all(shop: Task, sandboxes: SandboxFactory) -> None:
    certificate = check_task(shop.model_copy(update={"solution": None}), sandboxes, runs=1)
    assert "no reference solution" in reasons(certificate)


@pytest.mark.parametrize("code", ["while True: pass\n"], ids=["endless"])
def test_a_repository_that_hangs(code: str, shop_with: BuildShop, sandboxes: SandboxFactory) -> None:
    task = shop_with(repository={"shop/__init__.py": code})
    hasty = task.model_copy(update={"budget": task.budget.model_copy(update={"grading_timeout_s": 2.0})})
    assert "the unchanged repository ends in a timeout" in reasons(check_task(hasty, sandboxes, runs=1))
