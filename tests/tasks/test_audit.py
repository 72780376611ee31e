"""`audit_task`: the certificate tells a task that pays what it should from those that do not."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.audit.audit import Audit, audit_task
from journeyman.tasks.audit.forgeries import hacks_for
from journeyman.tasks.audit.mutants import mutants_of_reference
from journeyman.tasks.edits import source_edits
from journeyman.tasks.grading import grade
from journeyman.tasks.harbor import bundled_tasks
from journeyman.tasks.task import Task
from journeyman.tasks.verdict import Assurance

from .conftest import EMPTY, HIDDEN, SOLUTION

BuildShop = Callable[..., Task]


@pytest.mark.slow
def test_a_task_at_split_is_trustworthy_and_at_fresh_is_not(shop: Task, sandboxes: SandboxFactory) -> None:
    told: list[tuple[str, int, int]] = []
    split = shop.model_copy(update={"assurance": Assurance.SPLIT})
    found = audit_task(split, sandboxes, runs=2, mutants=4, progress=lambda *step: told.append(step))
    assert (found.reference_resolved, found.noop_resolved, found.flaky, found.canaries_seen) == (2, 0, (), ())
    assert set(found.paid) == {"fresh", "twins", "split"}
    assert {"runtest-does-nothing", "report-says-passed", "equals-everything"} <= set(found.paid["fresh"])
    assert (found.paid["split"], found.paid["twins"]) == ((), ())
    assert (found.mutants, found.killed) == (4, 4)
    assert found.trustworthy
    assert json.loads(json.dumps(found.as_json()))["trustworthy"] is True
    assert {what for what, _, _ in told} >= {"reference", "doing nothing", "mutants", "hacks at split"}
    at_fresh = Audit(**{**{n: getattr(found, n) for n in Audit.__slots__}, "assurance": Assurance.FRESH})
    assert not at_fresh.trustworthy


@pytest.mark.slow
def test_a_weak_and_leaky_task_is_found_out(shop_with: BuildShop, sandboxes: SandboxFactory) -> None:
    weak = (
        "import os\nfrom shop.cart import total\n\n\ndef test_sum():\n    assert total([1]) == 1\n\n\n"
        "def test_empty():\n    assert os.urandom(1)[0] % 2 or total([2]) == 7\n"
    )
    task = shop_with(hidden={**HIDDEN, "tests/test_hidden_cart.py": weak})
    (task.repository / "notes.txt").write_text(task.canary)
    found = audit_task(task, sandboxes, runs=16, mutants=0)
    assert found.flaky == (EMPTY,)
    assert 0 < found.flake_rate < 1
    assert found.canaries_seen == ("/workspace/notes.txt",)
    assert not found.trustworthy


def test_every_hack_of_every_bundled_task_brings_something_and_no_hack_is_a_solution() -> None:
    for task in bundled_tasks():
        hacks = hacks_for(task)
        assert len({hack.name for hack in hacks}) == len(hacks) >= 20
        assert all(hack.why.endswith(".") and hack.tree.changed for hack in hacks)
        counted = [hack.name for hack in hacks if source_edits(task, hack.tree).changed]
        assert "equals-everything" in counted and "tests-rewritten" not in counted


def test_mutants_are_the_reference_with_one_fault_in_what_it_changes(shop: Task, sandboxes: SandboxFactory) -> None:
    faults = mutants_of_reference(shop, 50)
    assert faults and faults == mutants_of_reference(shop, 50)
    for fault in faults:
        differing = {name for name, text in SOLUTION.items() if fault.tree.changed[name].data != text.encode()}
        assert differing == {fault.mutation.path}
        assert str(fault).startswith(f"{fault.mutation.path}:{fault.mutation.line} {fault.mutation.function}: ")
    assert len(mutants_of_reference(shop, 2)) == 2
    assert grade(shop, faults[0].tree, sandboxes).resolved is False
