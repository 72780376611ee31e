"""Who asks for a name that is none looks again, and does not give up."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.config import EnvConfig
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.misreading import MisreadingOraclePolicy, slips
from journeyman.policies.rollout import rollout
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.training.demonstrations import is_exemplary
from tests.making import tiny_task


@pytest.mark.parametrize("seed", range(3))
def test_a_slip_is_refused_and_the_right_name_is_found(tmp_path: Path, backend: SandboxFactory, seed: int) -> None:
    task = tiny_task(tmp_path, instruction="`is_free` says no to a parcel worth exactly 50.")
    episode = rollout(RepoEnv(task, backend, EnvConfig()), MisreadingOraclePolicy(task), seed=seed)
    assert [step.action.tool for step in episode.steps] == ["view", "view", "edit", "test", "report"]
    first, second = (step.action.arguments["symbol"] for step in episode.steps[:2])
    assert first in slips("is_free") and second.endswith("is_free")
    assert [step.observation.ok for step in episode.steps[:2]] == [False, True]
    assert episode.resolved and is_exemplary(episode, task)


def test_what_nobody_named_it_finds_like_the_oracle(tmp_path: Path, backend: SandboxFactory) -> None:
    task = tiny_task(tmp_path)
    episode = rollout(RepoEnv(task, backend, EnvConfig()), MisreadingOraclePolicy(task), seed=0)
    assert episode.resolved and all(step.observation.ok for step in episode.steps)


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}(\.[A-Za-z_][A-Za-z0-9_]{0,12})?", fullmatch=True))
def test_a_slip_is_another_name_that_could_be_one(name: str) -> None:
    found = slips(name)
    assert len(set(found)) == len(found)
    assert all(slip.isidentifier() and slip != name.rpartition(".")[2] and len(slip) >= 3 for slip in found)


def test_what_a_small_model_writes_in_the_place_of_a_name() -> None:
    assert "regex" in slips("Regex") and {"place_tags", "tags"} <= set(slips("replace_tags"))
    assert "free" in slips("Parcel.is_free") and "s_free" in slips("Parcel.is_free")
    assert slips("ab") == () and slips("") == ()
