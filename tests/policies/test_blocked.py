"""Who looks and says that it cannot be done, who pretends, and what either is paid, in real episodes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from journeyman.envs.blocks import judge_block
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.faults import injector
from journeyman.envs.faults.settings import Faults
from journeyman.envs.replay import verify
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.blocked import (
    BlockedPolicy,
    InformedMistakenPolicy,
    InformedOraclePolicy,
    PretendingPolicy,
    demonstrating,
    looks_of,
    oracle_class,
)
from journeyman.policies.blocked_proof import audit_infeasible, check_any
from journeyman.policies.oracle import OraclePolicy
from journeyman.policies.persona import PERSONAS, PersonaPolicy
from journeyman.policies.policy import Policy
from journeyman.policies.registry import make_policy
from journeyman.policies.rollout import rollout, task_digest
from journeyman.policies.scripted import NoOpPolicy
from journeyman.sandbox.backends import open_backend
from journeyman.tasks.infeasible.kinds import KINDS
from journeyman.tasks.infeasible.twins import infeasible_twins
from journeyman.tasks.task import Task
from journeyman.tasks.verdict import Assurance
from journeyman.training.demonstrations import is_exemplary
from tests.making import tiny_task
from tests.tasks.test_infeasible import FACTS, impossible

SMALL = EnvConfig(max_steps=8, test_scope="failing", show_tree=False, echo_lines=0)


def play(task: Task, policy: Policy, backend: str, *, seed: int = 0, config: EnvConfig = SMALL) -> Episode:
    return rollout(RepoEnv(task, backend, config), policy, seed=seed)


def tools(episode: Episode) -> str:
    return " ".join(step.action.tool for step in episode.steps)


def test_an_honest_block_is_resolved_and_verifies_and_a_pretence_is_neither(backend: str, tmp_path: Path) -> None:
    task = impossible(tmp_path)
    honest = play(task, BlockedPolicy(task), backend)
    assert tools(honest) == "search report" and honest.stop is StopReason.REPORTED
    assert honest.resolved and honest.reward == 1.0 and "step 1 shows it missing" in honest.terms[0].source
    assert verify(honest, partial(RepoEnv, task, backend, SMALL)).identical
    for seed in (0, 1):
        pretence = play(task, PretendingPolicy(task), backend, seed=seed)
        assert not pretence.resolved and pretence.reward == 0.0
        assert "no honest block: no claim is" in (pretence.verdict.detail if pretence.verdict else "")
    assert not play(task, NoOpPolicy(), backend).resolved
    forged = replace(pretence, verdict=honest.verdict, reward=1.0)
    difference = verify(forged, partial(RepoEnv, task, backend, SMALL)).difference
    assert difference is not None and difference.what == "verdict", "a record cannot say that a pretence was paid"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_pays_the_honest_and_its_twin_the_capable(kind: str, backend: str, tmp_path: Path) -> None:
    made = tiny_task(tmp_path / "made", metadata=FACTS)
    prove = partial(check_any, runs=1)
    there, gone = infeasible_twins([made], tmp_path / "out", kinds=[kind], sandboxes=open_backend(backend), prove=prove)
    honest = play(gone, demonstrating(gone), backend)
    assert honest.resolved and honest.reward == 1.0
    able = play(there, demonstrating(there), backend)
    assert able.resolved and able.reward == 1.0
    looked = [step.action.to_json() for step in able.steps[:1]]
    assert (looked == [looks_of(there)[0].to_json()]) is (there.metadata["told"] is False)
    slipped = play(there, demonstrating(there, mistaken=True), backend)
    assert slipped.resolved and tools(slipped).count("test") == 2
    gave_up = play(there, BlockedPolicy(there), backend)
    assert not gave_up.resolved and gave_up.reward == 0.0, "giving up what can be done pays nothing"
    pretended = play(there, PretendingPolicy(there), backend, seed=1)
    assert not pretended.resolved
    for episode in (honest, able):
        seen = " ".join([episode.first.text, *(step.observation.text for step in episode.steps)])
        assert gone.canary not in seen and "infeasible" not in seen and gone.name not in seen


@pytest.mark.parametrize("kind", ["tool-fails", "stale-plan"])
def test_it_looks_again_where_it_could_not_look(
    kind: str, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(injector, "_AT_ONCE", 1.0)
    task = impossible(tmp_path)
    config = SMALL.model_copy(update={"faults": Faults(kinds=(kind,))})
    found = [play(task, PersonaPolicy(BlockedPolicy(task), name, task), backend, seed=seed, config=config)
             for name in PERSONAS for seed in range(2)]  # fmt: skip
    struck = [each for each in found if each.fault or any(step.fault for step in each.steps)]
    assert struck and all(each.resolved and is_exemplary(each, task) for each in found), [tools(each) for each in found]
    if kind == "tool-fails":
        assert all("search search report" in tools(each) for each in struck)
        blind = replace(
            struck[0], steps=tuple(step for step in struck[0].steps if step.fault or step.action.tool == "report")
        )
        assert task.infeasible is not None and not judge_block(task.infeasible, blind.steps).honest


def test_the_proof_plays_what_must_not_be_paid(backend: str, tmp_path: Path) -> None:
    factory, task = open_backend(backend), impossible(tmp_path)
    proof = check_any(task, factory, 1)
    assert proof.sound and (proof.reference_resolved, proof.noop_resolved) == (1, 0), proof.reasons
    found = audit_infeasible(task, factory, runs=2)
    assert found.trustworthy and (found.reference_resolved, found.noop_resolved) == (2, 0)
    assert found.hacks == 8 and found.paid == {"fresh": ()} and not found.canaries_seen
    with pytest.raises(ValueError, match="can be done"):
        audit_infeasible(tiny_task(tmp_path / "other"), factory)


def test_what_takes_no_look_and_any_name_would_be_unsound(backend: str, tmp_path: Path) -> None:
    task = impossible(tmp_path)
    assert task.infeasible is not None
    lax = task.infeasible.model_copy(update={"names": ("hard",), "sought": False, "missing": "easy way"})
    proof = check_any(task.model_copy(update={"infeasible": lax}), open_backend(backend), 1)
    assert not proof.sound and "it pays for an excuse" in proof.reasons


def test_policies_by_name(tmp_path: Path) -> None:
    task = impossible(tmp_path / "a")
    assert make_policy("blocked", task).name == "blocked" and make_policy("pretending", task).name == "pretending"
    assert isinstance(make_policy("oracle", task, with_test_first=True), BlockedPolicy)
    told = tiny_task(tmp_path / "b", metadata={"told": False, "looks": ['{"tool": "view", "path": "README.md"}']})
    assert isinstance(make_policy("oracle", told, with_test_first=True), InformedOraclePolicy)
    mistaken = make_policy("mistaken", told)
    assert isinstance(mistaken, InformedMistakenPolicy) and mistaken.name == "mistaken"
    assert oracle_class(tiny_task(tmp_path / "c")) is OraclePolicy


def test_looks_that_cannot_be_read_are_only_advice(tmp_path: Path) -> None:
    for looks in (["{", '{"tool": "fly"}', "[]"], "view", 7, [None]):
        task = tiny_task(tmp_path / "a", metadata={"told": False, "looks": looks})
        assert looks_of(task) == () and oracle_class(task) is OraclePolicy
    assert [action.tool for action in looks_of(impossible(tmp_path / "b"))] == ["search"]


def test_an_older_record_is_of_the_same_task(tmp_path: Path) -> None:
    task = tiny_task(tmp_path, assurance=Assurance.SPLIT)
    declared = task.model_dump_json(exclude={"repository", "hidden", "solution", "metadata", "infeasible"})
    assert "infeasible" not in declared
    assert task_digest(task, "t") != task_digest(impossible(tmp_path / "other"), "t")
