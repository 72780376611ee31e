"""Going on from a step of a recorded episode: the same files, another end, and a record that verifies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Ancestry, Change, Episode, StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.query import Query
from journeyman.envs.replay import verify
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.fork import Branch, Different, ForkError
from journeyman.policies.oracle import OraclePolicy
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import NoOpPolicy, ScriptedPolicy
from journeyman.tasks.task import Task
from tests.envs.sandboxed import require_sandbox
from tests.making import FIX, tiny_task

WRONG = Action("edit", {"path": "parcel.py", **FIX, "new": "    return None"})
LOOK = Action("view", {"path": "parcel.py"})
MEND = Action("edit", {"path": "parcel.py", **FIX})
PLAY = (LOOK, MEND, Action("test", {}), Action("report", {"summary": "mended"}))


class Listening(ScriptedPolicy):
    """Keeps what it was told and what it saw."""

    def __init__(self, *actions: Action) -> None:
        super().__init__(actions)
        self.told: list[tuple[str, str]] = []
        self.seen: list[Observation] = []

    def remember(self, observation: Observation, action: Action) -> None:
        self.told.append((observation.tool, action.tool))

    def act(self, observation: Observation) -> Action:
        self.seen.append(observation)
        return super().act(observation)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return tiny_task(tmp_path / "task")


@pytest.fixture
def make(task: Task) -> Callable[..., RepoEnv]:
    return partial(RepoEnv, task, require_sandbox())


@pytest.fixture
def parent(make: Callable[..., RepoEnv]) -> Episode:
    return rollout(make(), ScriptedPolicy(PLAY), seed=3)


def test_another_policy_goes_on_and_the_whole_of_it_verifies(
    make: Callable[..., RepoEnv], parent: Episode, tmp_path: Path
) -> None:
    assert parent.resolved
    with EpisodeStore(tmp_path / "run") as store, Branch(make(), parent, 1) as branch:
        policy = Listening(WRONG)
        child = branch.run(Different(policy, seed=7), store=store)
        assert store.get("last") == child
        (line,) = store.find(Query(parent=parent.id)).summaries
        assert (line.parent, line.forked_at) == (parent.id, 1)
    assert [step.action.tool for step in child.steps] == ["view", "edit", "report"]
    assert child.ancestry == Ancestry(parent.id, 1, Change.POLICY, "scripted")
    assert (child.reward, child.seed, child.stop) == (0.0, 7, StopReason.REPORTED)
    assert child.steps[0].observation == parent.steps[0].observation
    assert policy.told == [("reset", "view")] and policy.seen[0] == parent.steps[0].observation
    assert verify(child, make).identical


def test_forks_of_one_branch_are_apart_and_it_moves_on(make: Callable[..., RepoEnv], parent: Episode) -> None:
    with Branch(make(), parent) as branch:
        spoilt = branch.run(Different(ScriptedPolicy([WRONG])))
        branch.go_to(2)
        kept = branch.run(Different(NoOpPolicy()))
        last = branch.run(Different(NoOpPolicy()), last=True)
    assert [each.reward for each in (spoilt, kept, last)] == [0.0, 1.0, 1.0]
    assert kept.steps[1].tree_hash == parent.steps[1].tree_hash != spoilt.steps[0].tree_hash


def test_a_hint_is_heard_once_and_the_record_says_it(make: Callable[..., RepoEnv], parent: Episode) -> None:
    policy = Listening(LOOK)
    with Branch(make(), parent, 2) as branch:
        child = branch.run(Different(policy, Change.HINT, hint="mind the sign"))
    assert [each.text.count("Hint: mind the sign") for each in policy.seen] == [1, 0]
    assert child.ancestry == Ancestry(parent.id, 2, Change.HINT, "mind the sign")
    assert "mind the sign" not in child.steps[1].observation.text
    assert verify(child, make).identical, "what the environment showed is what is recorded"


def test_a_given_action_comes_first_and_the_policy_takes_it_as_its_own(
    make: Callable[..., RepoEnv], parent: Episode
) -> None:
    policy = Listening()
    with Branch(make(), parent, 1) as branch:
        child = branch.run(Different(policy, Change.ACTION, action=MEND))
    assert child.resolved and [step.action.tool for step in child.steps] == ["view", "edit", "report"]
    assert policy.told == [("reset", "view"), ("view", "edit")] and len(policy.seen) == 1
    assert child.ancestry is not None and '"edit"' in child.ancestry.detail


def test_a_fork_can_be_forked(make: Callable[..., RepoEnv], parent: Episode) -> None:
    with Branch(make(), parent, 1) as branch:
        child = branch.run(Different(ScriptedPolicy([WRONG, MEND])))
    with Branch(make(), child, 2) as branch:
        grandchild = branch.run(Different(NoOpPolicy()))
    assert grandchild.ancestry is not None and grandchild.ancestry.episode == child.id
    assert grandchild.reward == 0.0


def test_where_no_episode_can_go_on_is_said(make: Callable[..., RepoEnv], parent: Episode) -> None:
    opened: list[RepoEnv] = []

    def made() -> RepoEnv:
        opened.append(make())
        return opened[-1]

    changed = replace(parent, steps=(parent.steps[0], replace(parent.steps[1], tree_hash="0" * 64), *parent.steps[2:]))
    for episode, at, message in (
        (parent, 4, "step 4 ends the episode"),
        (parent, 5, "has 4 steps"),
        (changed, 2, "step 2 leaves other files"),
    ):
        with pytest.raises(ForkError, match=message):
            Branch(made(), episode, at)
    assert all(env._workspace is None for env in opened), "nothing is left"


def test_the_oracle_goes_on_from_its_own_steps_and_from_looks_alone(make: Callable[..., RepoEnv], task: Task) -> None:
    own = rollout(make(), OraclePolicy(task), seed=0)
    looked = rollout(make(), ScriptedPolicy([LOOK, LOOK]), seed=0)
    spoilt = rollout(make(), ScriptedPolicy([WRONG]), seed=0)
    for episode, at, resolved in ((own, len(own.steps) - 1, True), (looked, 2, True), (spoilt, 1, False)):
        with Branch(make(), episode, at) as branch:
            child = branch.run(Different(OraclePolicy(task)))
        assert child.resolved is resolved, child.detail
    assert child.stop is StopReason.POLICY_ERROR and "would not have done this edit" in child.detail
