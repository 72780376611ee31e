"""What a round's champion failed at is mended where it went wrong, and can be imitated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.round_corrections import CORRECTED, correct_failures, corrected_in, corrections_told
from journeyman.training.round_folder import RoundFolder
from journeyman.training.round_report import read_run
from journeyman.training.rounds import rounds_in, run_rounds
from tests.making import FIX, tiny_task
from tests.training.round_kit import PLAN, workshop

TEST, REPORT = Action("test"), Action("report")
WRONG = Action("edit", {"path": "parcel.py", **FIX, "new": "        return total(self.prices) < FREE_FROM"})
RIGHT = Action("edit", {"path": "parcel.py", **FIX})


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return tiny_task(tmp_path / "task")


def collected(folder: Path, task: Task, backend: SandboxFactory, *plays: tuple[Action, ...]) -> RoundFolder:
    """A round in which these were played."""
    round_ = RoundFolder(folder, 1)
    round_.folder.mkdir(parents=True)
    with EpisodeStore(round_.folder / "collect") as store:
        episodes = [rollout(RepoEnv(task, backend), ScriptedPolicy(play), seed=0, store=store) for play in plays]
    round_.write("collect", {"evaluation": {"results": [{"episode": each.id} for each in episodes]}})
    return round_


@pytest.mark.slow
def test_each_way_to_fail_is_mended_once(tmp_path: Path, task: Task, backend: SandboxFactory) -> None:
    round_ = collected(
        tmp_path / "rounds", task, backend, (WRONG, TEST, REPORT), (RIGHT, TEST, REPORT), (WRONG, TEST, REPORT)
    )
    told = correct_failures(round_, {task.name: task}, set(), per_episode=1, backend=backend)
    assert told == {"failed": 1, "made": 1, "left_out": {}}
    (made,) = (EpisodeStore(round_.folder / CORRECTED).get(id_) for id_ in corrected_in(round_))
    assert isinstance(made, Episode) and made.resolved
    assert made.ancestry is not None and made.ancestry.step == 2
    assert corrections_told({CORRECTED: told}).endswith("corrections made of them: 1.")
    again = correct_failures(round_, {task.name: task}, set(), per_episode=1, backend=backend)
    assert again == told and corrected_in(round_) == [made.id], "done again, nothing is played again"


def test_nothing_is_made_of_what_a_person_rejected_or_of_a_task_that_is_gone(
    tmp_path: Path, task: Task, backend: SandboxFactory
) -> None:
    round_ = collected(tmp_path / "rounds", task, backend, (WRONG, REPORT))
    (row,) = round_.read("collect")["evaluation"]["results"]
    rejected = correct_failures(round_, {task.name: task}, {row["episode"]}, per_episode=1, backend=backend)
    assert rejected == {"failed": 0, "made": 0, "left_out": {}}
    gone = correct_failures(round_, {}, set(), per_episode=1, backend=backend)
    assert gone["left_out"] == {"the task is gone": 1}
    assert corrected_in(round_) == []
    assert corrections_told({}) == ""
    assert corrections_told({CORRECTED: gone}).endswith("made of them: 0; left out: 1 the task is gone.")


@pytest.mark.slow
def test_a_round_says_what_became_of_its_failures_and_goes_by_it(tmp_path: Path) -> None:
    """Its episodes are dealt, and no sandbox comes to the same files; so each is said to be left out."""
    plan = replace(PLAN, corrections=1, heldout_per_round=4, tasks_per_round=2)
    shop = workshop(tmp_path, plan=plan, pool=4)
    run_rounds(shop, 1)
    (first,) = rounds_in(shop.root)
    found = first.read("compile")[CORRECTED]
    assert found["made"] == 0 and sum(found["left_out"].values()) == found["failed"] > 0
    assert read_run(shop.root).rounds[0].corrections == corrections_told(first.read("compile"))
