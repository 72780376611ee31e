"""No tree harms who reads it, and no attack gets out of a sandbox, stays in it or takes more than its share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import SandboxFactory

from .attacks import Attack, attacks, try_attack
from .hostile import Host
from .trees import Tree, trees, try_tree

pytestmark = pytest.mark.slow
TREES, ATTACKS = trees(), attacks()


def by_name(case: Tree | Attack) -> str:
    return case.name


@pytest.fixture(scope="module", params=["namespace", pytest.param("docker", marks=pytest.mark.docker)])
def factory(request: pytest.FixtureRequest) -> SandboxFactory:
    return open_backend(request.param)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host() as host:
        yield host


def test_the_battery_is_large() -> None:
    assert len(TREES) >= 36
    assert len(ATTACKS) >= 32


@pytest.mark.parametrize("tree", TREES, ids=by_name)
def test_a_hostile_tree_harms_nobody(tree: Tree, factory: SandboxFactory, host: Host) -> None:
    """What grading makes of it is bytes by then, and so the same on every backend: it is asked once."""
    if tree.heavy and factory.name != "namespace":
        pytest.skip("takes many seconds; benchmarks/redteam.py does it on every backend")
    try_tree(tree, factory, host, graded=factory.name == "namespace")


@pytest.mark.parametrize("attack", ATTACKS, ids=by_name)
def test_an_attack_is_held(attack: Attack, factory: SandboxFactory, host: Host) -> None:
    if not try_attack(attack, factory, host):
        pytest.skip("nobody promises that here: no control group can be had")
