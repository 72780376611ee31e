"""A round with a real model in real sandboxes, interrupted in every stage that takes long."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from journeyman.envs.feedback.entry import Correction, Ranking, Score
from journeyman.envs.feedback.log import FeedbackLog, now
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeStore
from journeyman.policies.models import load_model
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.feedback.provenance import rows_of_run
from journeyman.training.lineage import trained_on
from journeyman.training.progress import silent
from journeyman.training.round_crew import LocalCrew
from journeyman.training.round_folder import RoundFolder
from journeyman.training.round_plan import PlanError, RoundPlan
from journeyman.training.round_report import read_run
from journeyman.training.rounds import Workshop, run_rounds
from tests.training.test_demo import Watcher

PLAN = RoundPlan(
    model="tiny", demonstrations=1, group_size=2, mistaken_share=0.0, final_share=0.0,
    sft={"max_length": 100_000, "checkpoints": 1},
    grpo={"steps": 1, "tasks_per_step": 1, "group_size": 2, "micro_batch": 2, "concurrency": 2},
)  # fmt: skip


@pytest.mark.slow
def test_a_real_round_goes_on_wherever_it_was_interrupted(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    pool, heldout = tasks

    def go(interrupt: str = "") -> list[str]:
        watch = Watcher(interrupt)
        run_rounds(Workshop(PLAN, tmp_path / "rounds", [pool], [heldout], backend, LocalCrew(PLAN, backend), watch), 1)
        return watch.stages

    round_ = RoundFolder(tmp_path / "rounds", 1)
    for what, stage in (
        ("collect", "collect"),
        ("SFT", "train"),
        ("GRPO", "train"),
        ("evaluate candidate", "evaluate"),
    ):
        with pytest.raises(KeyboardInterrupt):
            go(f"Round 1: {what}")
        assert round_.next_stage == stage
    assert go() == ["Round 1: evaluate champion", "Round 1: evaluate candidate"]
    assert go() == [], "all is done"
    rows = round_.read("collect")["evaluation"]["results"]
    assert [row["seed"] for row in rows] == [0, 1]
    candidate = round_.model(round_.read("train")["model"])
    load_model(candidate)
    assert {task.task for task in trained_on(candidate)} == {pool.name}
    (report,) = read_run(tmp_path / "rounds").rounds
    assert report.chosen == 1 and report.losses and len(report.rewards) == 1
    assert report.decision.accepted is False


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sft": {"speed": 3}}, r"\[sft\] of the plan: no setting 'speed'"),
        ({"grpo": {"speed": 3}}, r"\[grpo\] of the plan: no setting 'speed'"),
        ({"grpo": {"hybrid": {"cost": "dear"}}}, r"\[grpo\.hybrid\.cost\] of the plan: "),
        ({"sft": {"batch_size": 0}}, r"\[sft\] of the plan: batch_size must be at least 1, not 0"),
        ({"sft": {"batch_size": "many"}}, r"\[sft\.batch_size\] of the plan: .*integer"),
        ({"grpo": {"steps": 0}}, r"\[grpo\] of the plan: steps must be at least 1, not 0"),
        ({"dpo": {"beta": "much"}}, r"\[dpo\.beta\] of the plan: "),
        ({"dpo": {"beta": -0.1}}, r"\[dpo\] of the plan: beta must be above 0, not -0\.1"),
        ({"dpo": {"batch_size": 0}}, r"\[dpo\] of the plan: batch_size must be at least 1, not 0"),
        ({"reward": {"checkpoints": -1}}, r"\[reward\] of the plan: checkpoints must be 0 or more, not -1"),
        ({"reward": {"notation": "verse"}}, r"\[reward\] of the plan: no dialect 'verse'"),
        ({"reward_model": "features", "reward": {"held_out": 2}}, r"\[reward\] of the plan: the share held out"),
        ({"reward_model": "features", "reward": {"epochs": 2}}, r"\[reward\] of the plan: no setting 'epochs'"),
    ],
)
def test_a_trainers_setting_that_is_none_is_said_before_anything_is_played(
    settings: dict[str, Any], said: str, backend: SandboxFactory
) -> None:
    with pytest.raises(PlanError, match=f"^{said}"):
        LocalCrew(RoundPlan(**settings), backend)


@pytest.mark.slow
def test_what_people_said_is_learned_in_each_way_that_the_plan_names(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    pool, heldout = tasks
    plan = replace(
        PLAN, method="sft+dpo+grpo", reward_model="features", demonstrations=0,
        dpo={"max_length": 100_000, "micro_batch": 1},
    )  # fmt: skip
    shop = Workshop(plan, tmp_path / "rounds", [pool], [heldout], backend, LocalCrew(plan, backend), lambda _: silent)
    run_rounds(shop, 1, review=True)
    round_ = RoundFolder(shop.root, 1)
    run = round_.folder / "collect"
    first, second = EpisodeStore(run).episodes()

    def by(name: str) -> dict[str, str]:
        return {"id": new_episode_id(), "annotator": name, "at": now()}

    FeedbackLog(run).write(
        Ranking(**by("ada"), episodes=(first.id, second.id), ranks=(1, 2)),
        Score(**by("ada"), episode=first.id, value=0.9),
        Correction(**by("bob"), episode=second.id, step=1, action={"tool": "test"}),
    )
    run_rounds(shop, 1, reviewed=True)
    train = round_.folder / "train"
    said = "\n".join(round_.read("train")["facts"]["said"])
    assert "SFT: 1 of 1 corrections were learned, beside 0 episodes." in said
    assert "DPO: 1 of 1 pairs were trained on." in said
    assert "Reward model: it has no part" in said and "no pairs were held out" in said
    assert "GRPO: 1 scores and 0 judgements of steps have a bounded part" in said
    for name, use in (("sft", "trained"), ("dpo", "trained"), ("reward", "trained"), ("grpo", "in the reward")):
        rows = rows_of_run(train / name)
        assert [(row.origin, row.use) for row in rows] == [("person", use)], name
        assert all((train / name / row.folder / "manifest.json").is_file() for row in rows)
    assert {task.task for task in trained_on(str(train / "dpo/model"))} == {pool.name}
    (report,) = read_run(shop.root).rounds
    assert any(line.startswith("DPO: 1 of 1") for line in report.feedback)
