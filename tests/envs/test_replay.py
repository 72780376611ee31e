"""Doing an episode again: identical, or the first thing that differs with both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.replay import verify
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.policy import PolicyError, TokenLimit
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.tasks.task import Task
from tests.making import FIX, tiny_task

SOLUTION = (
    Action("view", {"path": "parcel.py"}, tokens=TokenTurn((1,), (2,), (-0.5,))),
    Action.malformed("gibberish", "not a call"),
    Action("edit", {"path": "parcel.py", **FIX}),
    Action("test", {}),
    Action("report", {"summary": "mended"}),
)


GIT = (
    Action("run", {"command": "git status; git log; ls -l . .git .git/objects/pack; sha256sum .git/index"}),
    Action("edit", {"path": "parcel.py", **FIX}),
    Action("run", {"command": "git diff; git stash -q; git diff; git stash pop -q; git status"}),
)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return tiny_task(tmp_path / "task")


@pytest.fixture
def make(task: Task, backend: str) -> Callable[..., RepoEnv]:
    return partial(RepoEnv, task, backend)


class Breaking(ScriptedPolicy):
    """Plays its script, then cannot go on."""

    def __init__(self, error: PolicyError, *actions: Action) -> None:
        super().__init__(actions)
        self._error, self._left = error, len(actions)

    def act(self, observation: Observation) -> Action:
        if observation.step == self._left:
            raise self._error
        return super().act(observation)


def recorded(make: Callable[..., RepoEnv], *actions: Action, **config: Any) -> Episode:
    return rollout(make(config), ScriptedPolicy(actions), seed=3)


def test_a_solved_episode_is_identical(make: Callable[..., RepoEnv]) -> None:
    episode = recorded(make, *SOLUTION)
    assert episode.resolved
    found = verify(episode, make)
    assert found.identical and found.steps == 5 and "durations" in found.normalisers


def test_what_git_says_is_identical(make: Callable[..., RepoEnv]) -> None:
    episode = recorded(make, *GIT, SOLUTION[-1])
    assert episode.resolved
    assert verify(episode, make).identical


@pytest.mark.parametrize(
    "stop,policy,config",
    [
        (StopReason.STEP_LIMIT, ScriptedPolicy(SOLUTION[:2]), {"max_steps": 2}),
        (StopReason.MALFORMED_LIMIT, ScriptedPolicy([SOLUTION[1]] * 2), {"malformed_limit": 2}),
        (StopReason.TOKEN_LIMIT, Breaking(TokenLimit("full"), SOLUTION[2]), {}),
        (StopReason.POLICY_ERROR, Breaking(PolicyError("broken"), SOLUTION[2]), {}),
    ],
)
def test_however_it_ended_it_ends_so_again(
    make: Callable[..., RepoEnv], stop: StopReason, policy: ScriptedPolicy, config: dict[str, Any]
) -> None:
    episode = rollout(make(config), policy, seed=3)
    assert episode.stop is stop
    assert verify(episode, partial(make, episode.config)).identical


def test_an_interrupted_episode_is_verified_as_far_as_it_got(make: Callable[..., RepoEnv]) -> None:
    whole = recorded(make, *SOLUTION)
    cut = replace(whole, steps=whole.steps[:3], stop=StopReason.INTERRUPTED, reward=None, terms=(), verdict=None)
    found = verify(cut, make)
    assert found.identical and found.steps == 3


def test_what_two_identical_runs_print_differently_is_left_out(make: Callable[..., RepoEnv]) -> None:
    noisy = "python -c 'import tempfile; print(object(), tempfile.mkdtemp())'; python -m pytest -q tests"
    episode = recorded(make, Action("run", {"command": noisy}), Action("report", {}))
    assert "0x" in episode.steps[0].observation.text
    assert verify(episode, make).identical


def test_what_is_really_random_differs_and_both_sides_are_shown(make: Callable[..., RepoEnv]) -> None:
    dice = Action("run", {"command": "python -c 'import uuid; print(uuid.uuid4())'"})
    episode = recorded(make, SOLUTION[0], dice, Action("report", {}))
    found = verify(episode, make)
    assert found.difference is not None
    assert (found.steps, found.difference.step, found.difference.what) == (2, 2, "observation")
    assert found.difference.recorded != found.difference.replayed
    assert found.difference.recorded.strip() in episode.steps[1].observation.text


def _forged(episode: Episode, number: int, **changes: Any) -> Episode:
    steps = list(episode.steps)
    steps[number] = replace(steps[number], **changes)
    return replace(episode, steps=tuple(steps))


def test_each_forgery_is_found_where_it_is(make: Callable[..., RepoEnv]) -> None:
    honest = recorded(make, *SOLUTION)
    assert honest.verdict is not None
    failed = replace(honest.verdict, resolved=False)
    other = replace(honest.verdict, tree_hash="0" * 64)
    forgeries = [
        (0, "observation", replace(honest, first=replace(honest.first, text="Do nothing."))),
        (1, "answer", _forged(honest, 0, observation=replace(honest.steps[0].observation, ok=False))),
        (3, "tree hash", _forged(honest, 2, tree_hash="0" * 64)),
        (4, "tests", _forged(honest, 3, tests=None)),
        (5, "stop", replace(honest, steps=honest.steps[:4])),
        (6, "reward", replace(honest, reward=0.5)),
        (6, "verdict", replace(honest, verdict=failed)),
        (6, "verdict", replace(honest, verdict=other)),
        (6, "verdict", replace(honest, verdict=None)),
        (6, "stop", replace(honest, stop=StopReason.TIME_LIMIT)),
        (6, "stop", replace(honest, steps=(*honest.steps, honest.steps[0]))),
    ]
    for step, what, forged in forgeries:
        found = verify(forged, make)
        assert found.difference is not None, what
        assert (found.difference.step, found.difference.what) == (step, what)


def test_the_sandbox_is_closed_also_where_it_differs(make: Callable[..., RepoEnv]) -> None:
    made: list[RepoEnv] = []

    def remembered() -> RepoEnv:
        made.append(make())
        return made[-1]

    verify(replace(recorded(make, *SOLUTION), steps=()), remembered)
    assert made[0]._workspace is None
