"""Training in several processes, each with a copy of the model or with a part of it: what a run preset's launch asks
for, on processors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from journeyman.envs.feedback.entry import Ranking
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.store import EpisodeStore
from journeyman.policies.models import load_model
from journeyman.training import grpo, processes
from journeyman.training.checkpoint import RunFolder, TrainingError
from journeyman.training.feedback.drift import FILE as DRIFT
from journeyman.training.grpo import GrpoSettings
from journeyman.training.monitor import read_steps
from journeyman.training.reward_model import RewardModel
from tests.envs.sandboxed import require_sandbox
from tests.training.in_processes import SHARDED

COPIES: Mapping[str, str] = {}
both = pytest.mark.parametrize("how", [COPIES, SHARDED], ids=["copies", "shards"])
pytestmark = pytest.mark.slow


def two(house: Path, how: Mapping[str, str], *words: str) -> None:
    """Run `in_processes.py` in two processes."""
    command = [
        sys.executable,
        *("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"),
        *("-m", "tests.training.in_processes"),
        *words,
    ]
    environment = {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(house), **how}
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def weights(model: Path | str) -> dict[str, torch.Tensor]:
    return {name: value.float() for name, value in load_model(str(model))[0].state_dict().items()}


@pytest.mark.parametrize("rank", ["0", "4"], ids=["all", "adapters"])
def test_the_step_of_two_processes_is_that_of_one(tmp_path: Path, house: Path, rank: str) -> None:
    one = [sys.executable, "-m", "tests.training.in_processes", "step", str(tmp_path / "one"), rank]
    subprocess.run(one, env=os.environ | {"PYTHONPATH": str(house)}, capture_output=True, check=True)
    expected, before = weights(tmp_path / "one" / "model"), weights("tiny")
    assert any(not torch.allclose(expected[name], before[name], atol=0.01) for name in before)
    for name, how in (("copies", COPIES), ("shards", SHARDED)):
        two(house, how, "step", str(tmp_path / name), rank)
        found = weights(tmp_path / name / "model")
        assert found.keys() == expected.keys()
        assert all(torch.allclose(found[key], expected[key], atol=1e-3) for key in expected), name


@both
def test_each_process_plays_groups_of_its_own_and_a_run_goes_on(
    tmp_path: Path, house: Path, how: Mapping[str, str]
) -> None:
    require_sandbox()
    two(house, how, "run", str(tmp_path), "2")
    assert not (tmp_path / "run" / "model").exists()
    two(house, how, "run", str(tmp_path), "3")
    report = RunFolder(tmp_path / "run", {}).report()
    assert [entry["step"] for entry in report["history"]] == [1, 2, 3]
    with EpisodeStore(tmp_path / "run" / "episodes") as store:
        played = Counter((each.policy, each.task, each.seed) for each in store.episodes())
    counted = sum(facts.episodes for facts in read_steps(tmp_path / "run"))
    assert counted == sum(played.values()), "the log tells of what both have played"
    assert set(played.values()) == {1}, "no episode was played by both, or twice"
    first = [task for policy, task, _ in played if policy == "local:run@0"]
    assert len(first) >= 4 and len(set(first)) == 2, "of the two tasks each process had one"
    load_model(str(tmp_path / "run" / "model"))


@both
def test_the_other_trainers_end_with_a_whole_model(tmp_path: Path, house: Path, how: Mapping[str, str]) -> None:
    two(house, how, "others", str(tmp_path))
    before = weights("tiny")
    for name in ("sft", "dpo", "kto"):
        assert RunFolder(tmp_path / name, {}).report()
        assert not list((tmp_path / name).glob("*.partial"))
        after = weights(tmp_path / name / "model")
        assert after.keys() == before.keys()
        assert any(not torch.equal(before[key], after[key]) for key in before)
    told = RunFolder(tmp_path / "reward", {}).report()
    assert not list((tmp_path / "reward").glob("*.partial"))
    assert told["trained"]["accuracy_after"] == told["held_out"]["accuracy_after"] == 1.0
    assert abs(told["trained"]["margin_before"]) < 1, "as the first process measured it, who had all weights"
    assert RewardModel(tmp_path / "reward" / "model").reads > 0


def test_a_reward_model_is_watched_over_what_all_played_and_its_alarm_stops_all(tmp_path: Path, house: Path) -> None:
    require_sandbox()
    two(house, COPIES, "judged", str(tmp_path))
    told = [(tmp_path / f"told-{n}").read_text() for n in (0, 1)]
    assert told[0] == told[1] and "over-optimised at step 1" in told[0]
    assert len((tmp_path / "run" / DRIFT).read_text().splitlines()) == 1
    with EpisodeStore(tmp_path / "run" / "episodes") as store:
        task_of = {each.id: each.task for each in store.episodes()}
    asked = [each for each in FeedbackLog(store.folder).read().entries if isinstance(each, Ranking)]
    assert {task_of[id_] for each in asked for id_ in each.episodes} == set(task_of.values())
    assert len(set(task_of.values())) == len(asked) == 2, "each process played a task, and none was asked of twice"


def test_what_processes_cannot_share_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Three:
        num_processes = 3

    monkeypatch.setattr(processes, "this_process", Three)
    assert processes.share(6, "batch_size") == 2
    with pytest.raises(TrainingError, match=r"tasks_per_step is 4, which 3 processes cannot share"):
        grpo._batches(GrpoSettings(tasks_per_step=4))
    with pytest.raises(TrainingError, match="micro_batch must divide the 2 episodes"):
        grpo._batches(GrpoSettings(tasks_per_step=3, group_size=2, micro_batch=3))
