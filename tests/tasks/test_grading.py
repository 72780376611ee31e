"""The verdict: what a policy left, judged where it never was. Each story is one thing that a policy may try."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from journeyman.sandbox.channel import Channel
from journeyman.sandbox.sandbox import (
    Environment,
    File,
    Limits,
    Sandbox,
    SandboxFactory,
    SandboxUnavailable,
    Snapshot,
)
from journeyman.tasks import grading
from journeyman.tasks.grading import grade
from journeyman.tasks.task import Task
from journeyman.tasks.trees import pristine_tree, solution_tree
from journeyman.tasks.verdict import Assurance, Cause, Outcome

SUM, EMPTY = "tests/test_hidden_cart.py::test_sum", "tests/test_hidden_cart.py::test_empty"
TAX, VISIBLE = "tests/test_hidden_tax.py::test_tax", "tests/test_cart.py::test_total_is_number"


def tree(files: dict[str, str], *, removed: tuple[str, ...] = (), onto: Snapshot | None = None) -> Snapshot:
    """What a policy left, given as texts, possibly on top of another tree."""
    changed = dict(onto.changed) if onto else {}
    changed |= {path: File(text.encode()) for path, text in files.items()}
    return Snapshot("", "", changed, frozenset(removed))


# --- honest work ----------------------------------------------------------------------------------


def test_the_reference_resolves_every_milestone(shop: Task, sandboxes: SandboxFactory) -> None:
    verdict = grade(shop, solution_tree(shop), sandboxes)
    assert verdict.resolved is True
    assert set(verdict.outcomes.values()) == {Outcome.PASSED}
    assert verdict.milestones == {"cart": True, "tax": True}
    assert verdict.cause is None
    assert verdict.assurance is Assurance.FRESH
    assert verdict.ignored == ()


def test_doing_nothing_pays_nothing(shop: Task, sandboxes: SandboxFactory) -> None:
    verdict = grade(shop, pristine_tree(), sandboxes)
    assert verdict.resolved is False
    assert verdict.outcomes == {
        SUM: Outcome.FAILED, EMPTY: Outcome.FAILED, TAX: Outcome.FAILED, VISIBLE: Outcome.PASSED,
    }  # fmt: skip
    assert not any(verdict.milestones.values())


def test_half_the_work_closes_its_milestone(shop: Task, sandboxes: SandboxFactory) -> None:
    verdict = grade(shop, tree({"shop/cart.py": "def total(prices):\n    return sum(prices)\n"}), sandboxes)
    assert verdict.milestones == {"cart": True, "tax": False}
    assert verdict.resolved is False


def test_a_wrong_fix_is_wrong(shop: Task, sandboxes: SandboxFactory) -> None:
    verdict = grade(shop, tree({"shop/cart.py": "def total(prices):\n    return 3\n"}), sandboxes)
    assert verdict.outcomes[SUM] is Outcome.PASSED
    assert verdict.outcomes[EMPTY] is Outcome.FAILED
    assert verdict.milestones["cart"] is False


def test_the_graded_state_is_named_by_its_source_edits_alone(shop: Task, sandboxes: SandboxFactory) -> None:
    honest = grade(shop, solution_tree(shop), sandboxes)
    noisy = grade(shop, tree({"notes.txt": "x", "tests/mine.py": "x"}, onto=solution_tree(shop)), sandboxes)
    assert honest.tree_hash == noisy.tree_hash
    assert noisy.resolved is True
    assert noisy.ignored == ("notes.txt", "tests/mine.py")


# --- what a policy may try ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attempt",
    [
        {"tests/test_hidden_cart.py": "def test_sum(): pass\ndef test_empty(): pass\n"},
        {"tests/conftest.py": "import pytest\n\ndef pytest_collection_modifyitems(items):\n    items.clear()\n"},
        {"conftest.py": "raise SystemExit(0)\n"},
        {"pytest.ini": "[pytest]\naddopts = --collect-only\n"},
        {"sitecustomize.py": "import os; os._exit(0)\n"},
        {"x.pth": "import os; os._exit(0)\n"},
    ],
    ids=lambda attempt: next(iter(attempt)),
)
def test_edits_to_the_tests_and_what_steers_them_are_ignored(
    attempt: dict[str, str], shop: Task, sandboxes: SandboxFactory
) -> None:
    wide = shop.model_copy(update={"editable": ("**",)})
    alone = grade(wide, tree(attempt), sandboxes)
    assert alone.outcomes == grade(shop, pristine_tree(), sandboxes).outcomes
    with_fix = grade(wide, tree(attempt, onto=solution_tree(shop)), sandboxes)
    assert with_fix.resolved is True, "ignored, not punished"
    assert with_fix.ignored == tuple(attempt)


def test_deleting_the_tests_does_not_make_them_pass(shop: Task, sandboxes: SandboxFactory) -> None:
    verdict = grade(shop, tree({}, removed=("tests/test_cart.py",)), sandboxes)
    assert verdict.outcomes[VISIBLE] is Outcome.PASSED, "it is there again"
    assert verdict.outcomes[SUM] is Outcome.FAILED
    assert verdict.ignored == ("tests/test_cart.py",)


def test_deleting_source_counts(shop: Task, sandboxes: SandboxFactory) -> None:
    verdict = grade(shop, tree({}, removed=("shop/cart.py",)), sandboxes)
    assert verdict.outcomes[VISIBLE] is Outcome.MISSING
    assert verdict.outcomes[TAX] is Outcome.FAILED


@pytest.mark.parametrize(
    "code",
    ["import sys\nsys.exit(0)\n", "raise KeyboardInterrupt\n", "import pytest\npytest.exit('done', 0)\n"],
    ids=["sys.exit", "interrupt", "pytest.exit"],
)
def test_leaving_early_leaves_the_checks_missing(code: str, shop: Task, sandboxes: SandboxFactory) -> None:
    verdict = grade(shop, tree({"shop/cart.py": code}), sandboxes)
    assert verdict.resolved is False
    assert verdict.outcomes[SUM] is Outcome.MISSING


def test_killing_the_process_is_a_crash(shop: Task, sandboxes: SandboxFactory) -> None:
    code = "import os\n\n\ndef total(prices):\n    os._exit(0)\n"
    verdict = grade(shop, tree({"shop/cart.py": code}), sandboxes)
    assert verdict.resolved is False
    assert verdict.cause is Cause.CRASH
    assert verdict.outcomes[SUM] is Outcome.MISSING


def test_dying_after_the_last_check_is_still_a_crash(shop: Task, sandboxes: SandboxFactory) -> None:
    """Every check passed, but the run has no end: what was to come after them is not known."""
    solution = solution_tree(shop)
    late = solution.changed["shop/cart.py"].data.decode() + (
        "\n\nimport pytest\n\nold = pytest.Session.__dict__.get('startdir')\n"
        "import os\nfrom _pytest.terminal import TerminalReporter\n"
        "TerminalReporter.summary_stats = lambda self: os._exit(0)\n"
    )
    verdict = grade(shop, tree({"shop/cart.py": late}, onto=solution), sandboxes)
    assert set(verdict.outcomes.values()) == {Outcome.PASSED}
    assert verdict.resolved is False
    assert verdict.cause is Cause.CRASH


def test_an_endless_loop_is_a_timeout_and_0(shop: Task, sandboxes: SandboxFactory) -> None:
    hasty = shop.model_copy(update={"budget": shop.budget.model_copy(update={"grading_timeout_s": 3.0})})
    verdict = grade(hasty, tree({"shop/cart.py": "def total(prices):\n    while True: pass\n"}), sandboxes)
    assert verdict.resolved is False
    assert verdict.cause is Cause.TIMEOUT
    assert not any(verdict.milestones.values())
    assert verdict.duration_s < 10


def test_a_thread_that_never_ends_does_not_hold_the_verdict(shop: Task, sandboxes: SandboxFactory) -> None:
    thread = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n\n\n"
    cart = thread + solution_tree(shop).changed["shop/cart.py"].data.decode()
    verdict = grade(shop, tree({"shop/cart.py": cart}, onto=solution_tree(shop)), sandboxes)
    assert verdict.resolved is True
    assert verdict.duration_s < 10


def test_a_flood_of_output_is_bounded(shop: Task, sandboxes: SandboxFactory) -> None:
    body = "    os.write(2, b'x' * 30_000_000)\n    print('y' * 10_000_000)\n    return 0\n"
    flood = f"import os\n\n\ndef total(prices):\n{body}"
    verdict = grade(shop, tree({"shop/cart.py": flood}), sandboxes)
    assert verdict.outcomes[EMPTY] is Outcome.PASSED
    assert verdict.resolved is False
    assert len(verdict.detail) < 50_000


def test_skipping_is_not_passing(shop: Task, sandboxes: SandboxFactory) -> None:
    skip = "import pytest\n\n\ndef total(prices):\n    pytest.skip('all is well')\n"
    xfail = "import pytest\n\n\ndef with_tax(price):\n    pytest.xfail('as expected')\n"
    verdict = grade(shop, tree({"shop/cart.py": skip, "shop/tax.py": xfail}), sandboxes)
    assert verdict.outcomes == dict.fromkeys([SUM, EMPTY, TAX, VISIBLE], Outcome.FAILED)


def test_a_file_in_the_place_of_a_folder_is_ignored(shop: Task, sandboxes: SandboxFactory) -> None:
    wide = shop.model_copy(update={"editable": ("**",)})
    verdict = grade(wide, tree({"shop": "no folder", "README.md/x": "no file"}), sandboxes)
    assert verdict.ignored == ("README.md/x", "shop")
    assert verdict.outcomes[VISIBLE] is Outcome.PASSED


# --- whose fault it is ----------------------------------------------------------------------------


@dataclass
class Failing:
    """A backend that fails as often as told, then works."""

    real: SandboxFactory
    failures: int
    name: str = "failing"
    asked: int = 0

    def create(self, environment: Environment, repository: Path, *, limits: Limits | None = None) -> Sandbox:
        self.asked += 1
        if self.asked <= self.failures:
            raise SandboxUnavailable("user namespaces are off")
        return self.real.create(environment, repository, limits=limits)


def test_our_own_fault_is_unscored_never_0(shop: Task, sandboxes: SandboxFactory) -> None:
    verdict = grade(shop, solution_tree(shop), Failing(sandboxes, failures=99))
    assert verdict.resolved is None
    assert verdict.cause is Cause.SUPERVISOR
    assert "user namespaces are off" in verdict.detail


def test_a_passing_fault_is_tried_again(shop: Task, sandboxes: SandboxFactory) -> None:
    assert grade(shop, solution_tree(shop), Failing(sandboxes, failures=1)).resolved is True


def test_a_tree_of_another_repository_is_not_graded(shop: Task, sandboxes: SandboxFactory) -> None:
    verdict = grade(shop, Snapshot("a", "of another repository"), sandboxes)
    assert verdict.resolved is None
    assert "another repository" in verdict.detail


def test_what_a_sandbox_left_is_graded_as_it_stands(shop: Task, sandboxes: SandboxFactory) -> None:
    """The whole way: a policy works in its own sandbox, and its snapshot goes to the grader."""
    with sandboxes.create(shop.environment, shop.repository) as sandbox:
        for path, file in solution_tree(shop).changed.items():
            sandbox.write(path, file.data)
        sandbox.run("rm -rf tests && echo free > pytest.ini && ln -s /etc/passwd shop/link.py", timeout_s=5)
        left = sandbox.snapshot()
    verdict = grade(shop, left, sandboxes)
    assert verdict.resolved is True
    assert {path.partition(" (")[0] for path in verdict.ignored} == {"pytest.ini", "shop/link.py", "tests/test_cart.py"}


def test_grading_never_runs_warm(shop: Task, sandboxes: SandboxFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    ask = Channel.ask

    def listen(channel: Channel, op: str, payload: bytes = b"", **arguments: Any) -> Any:
        asked.extend([arguments["warm"]] if op == "run" else [])
        return ask(channel, op, payload, **arguments)

    monkeypatch.setattr(Channel, "ask", listen)
    assert grade(shop, solution_tree(shop), sandboxes).resolved
    assert asked
    assert not any(asked)
    assert not [path for path in Path(grading.__file__).parent.rglob("*.py") if "warm=True" in path.read_text()]
