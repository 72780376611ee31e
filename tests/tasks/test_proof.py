"""What a proof measures beyond yes or no, and how long it is believed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from journeyman.sandbox.sandbox import File, SandboxFactory, Snapshot
from journeyman.tasks.audit.mutants import Mutant, mutants_of_reference
from journeyman.tasks.audit.proof import keep, kept, prove_more
from journeyman.tasks.audit.strength import Strength, strength_of
from journeyman.tasks.harbor import load_task
from journeyman.tasks.task import Task
from journeyman.tasks.trees import solution_tree
from journeyman.tasks.validation import check_task

from .conftest import EMPTY, HIDDEN

BuildShop = Callable[..., Task]


def test_a_score_is_the_share_that_is_refused() -> None:
    assert Strength(4, ("one",)).score == 0.75
    assert Strength(0, ()).score is None


def test_any_language_may_bring_its_own_wrong_solutions(shop: Task, sandboxes: SandboxFactory) -> None:
    mutation = mutants_of_reference(shop, 1)[0].mutation
    reference = dict(solution_tree(shop).changed)
    no_tax = {**reference, "shop/tax.py": File(b"def with_tax(price):\n    return price\n")}

    def by_hand(task: Task, count: int) -> tuple[Mutant, ...]:
        trees = [Snapshot(tree_hash="", base_hash="", changed=changed) for changed in (reference, no_tax)]
        return tuple(Mutant(mutation, tree) for tree in trees[:count])

    told: list[tuple[int, int]] = []
    found = strength_of(shop, sandboxes, 2, faults=by_hand, progress=lambda *step: told.append(step))
    assert (found.mutants, found.killed, found.survivors) == (2, 1, (str(Mutant(mutation, solution_tree(shop))),))
    assert told == [(1, 2), (2, 2)]


@pytest.mark.slow
def test_a_proof_says_what_checks_notice_and_what_gradings_cost(shop: Task, sandboxes: SandboxFactory) -> None:
    proof = prove_more(check_task(shop, sandboxes, runs=1), shop, sandboxes, mutants=3)
    data = proof.as_json()
    assert (data["sound"], data["mutants"], data["killed"], data["mutation_score"]) == (True, 3, 3, 1.0)
    assert (data["flaky"], data["flake_rate"]) == ([], 0.0)
    assert 5 < data["peak_mb"] < 1000 and data["grading_s"] > 0


@pytest.mark.slow
def test_a_check_that_goes_either_way_is_counted(shop_with: BuildShop, sandboxes: SandboxFactory) -> None:
    coin = (
        "import os\nfrom shop.cart import total\n\n\ndef test_sum():\n    assert total([1]) == 1\n\n\n"
        "def test_empty():\n    assert os.urandom(1)[0] % 2 and total([]) == 0\n"
    )
    task = shop_with(hidden={**HIDDEN, "tests/test_hidden_cart.py": coin})
    certificate = check_task(task, sandboxes, runs=16)
    assert (certificate.flaky, certificate.flake_rate) == ((EMPTY,), 1 / len(task.checks))
    assert not certificate.sound


def test_a_changed_task_has_no_proof(
    shop: Task, sandboxes: SandboxFactory, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    certificate = check_task(shop, sandboxes, runs=1)
    monkeypatch.setenv("JOURNEYMAN_HOME", str(tmp_path_factory.mktemp("home")))
    assert kept(shop) is None
    proof = prove_more(certificate, shop, sandboxes, mutants=0)
    keep(proof, shop)
    assert kept(shop) == proof.as_json() and proof.as_json()["mutation_score"] is None
    (shop.repository / "README.md").write_text("Another shop.\n")
    assert kept(load_task(shop.repository.parents[1])) is None
