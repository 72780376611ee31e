"""What a step is worth: sampled once, kept, gone on with, and read by whoever shows it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Ancestry, Change
from journeyman.envs.observation import Observation
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import NoOpPolicy, ScriptedPolicy
from journeyman.training.value_samples import sample_values
from journeyman.training.values import step_values, values_folder
from tests.envs.sandboxed import require_sandbox
from tests.envs.test_store import episode
from tests.making import FIX, tiny_task

PLAY = (Action("view", {"path": "parcel.py"}), Action("edit", {"path": "parcel.py", **FIX}), Action("report", {}))


class Leaving(NoOpPolicy):
    """A person who leaves before the fourth episode."""

    started = 0

    def act(self, observation: Observation) -> Action:
        Leaving.started += 1
        if Leaving.started == 4:
            raise KeyboardInterrupt
        return super().act(observation)


@pytest.mark.slow
def test_the_step_that_mended_it_is_where_the_value_rises_also_after_an_interrupt(tmp_path: Path) -> None:
    make = partial(RepoEnv, tiny_task(tmp_path / "task"), require_sandbox())
    parent = rollout(make(), ScriptedPolicy(PLAY), seed=0)
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        sample_values(parent, run, make, Leaving, 2)
    assert [(each.step, each.samples) for each in step_values(run, parent.id)] == [(0, 2), (1, 1)]
    told: list[tuple[int, int]] = []
    values = sample_values(parent, run, make, Leaving, 2, on_step=lambda each, count: told.append((each.step, count)))
    assert [(each.step, each.samples, each.mean) for each in values] == [(0, 2, 0.0), (1, 2, 0.0), (2, 2, 1.0)]
    assert told == [(0, 3), (1, 3), (2, 3)]
    assert values[0].low == 0.0 and 0.3 < values[2].low < values[2].high == 1.0
    before = Leaving.started
    assert sample_values(parent, run, make, Leaving, 2) == values and Leaving.started == before, (
        "nothing is sampled twice"
    )


def test_values_are_read_by_policy_and_unscored_samples_count_for_nothing(tmp_path: Path) -> None:
    assert step_values(tmp_path, "0-a") == ()
    with EpisodeStore(values_folder(tmp_path, "0-a")) as store:
        for policy, reward in (("oracle", 1.0), ("noop", 0.0), ("noop", None), ("noop", 0.5)):
            store.add(replace(episode(1, reward), policy=policy, ancestry=Ancestry("0-a", 2, Change.POLICY)))
    (all_of_them,) = step_values(tmp_path, "0-a")
    assert (all_of_them.step, all_of_them.samples, all_of_them.unscored, all_of_them.mean) == (2, 3, 1, 0.5)
    (noop,) = step_values(tmp_path, "0-a", "noop")
    assert (noop.samples, noop.mean) == (2, 0.25)
    assert step_values(tmp_path, "0-a", "random") == ()
