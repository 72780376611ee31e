"""GRPO through TRL: our episodes, rewards and masks are what its loss sees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from trl.trainer.grpo_trainer import GRPOTrainer

from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.store import EpisodeStore
from journeyman.policies.models import load_model
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training import grpo
from journeyman.training.checkpoint import RunFolder, TrainingError
from journeyman.training.grpo import GrpoSettings, NoTasksError, train_grpo
from journeyman.training.presets import preset
from journeyman.training.trl_rollouts import RowsWithSignal, hash_seed, make_grpo_trainer, trl_columns

SMALL = preset("small")
LOCAL = replace(SMALL.local, max_turn_tokens=8, max_episode_tokens=600)


def sampled_episode(reward: float | None, turns: list[TokenTurn]) -> Episode:
    steps = tuple(Step(Action("view", {"path": "."}, "x", turn), Observation("y")) for turn in turns)
    return Episode("e", "t", "p", 0, Observation("x"), steps, StopReason.REPORTED, reward, (), None)


def test_environment_tokens_are_masked_and_unscored_is_not_zero() -> None:
    turns = [TokenTurn((1, 2), (7, 8), (-0.1, -0.2)), TokenTurn((4,), (9,), (-0.3,))]
    columns = trl_columns(
        [sampled_episode(0.5, turns), sampled_episode(None, turns), sampled_episode(None, [])], eos_id=2
    )
    assert columns["prompt_ids"] == [[1, 2], [1, 2], [2]]
    assert columns["completion_ids"] == [[7, 8, 4, 9], [7, 8, 4, 9], [2]]
    assert columns["env_mask"] == [[1, 1, 0, 1], [1, 1, 0, 1], [0]]
    assert columns["episode_reward"] == [0.5, None, None]


class Told:
    """A sampler whose episodes are known: one group in which all failed, one in which half did; lengths differ."""

    tasks = ("a", "b")

    def __call__(self, prompts: list[str], trainer: Any) -> dict[str, list[Any]]:
        episodes = []
        for index, name in enumerate(prompts):
            longer = tuple(range(10, 14 + 5 * index))
            turns = [TokenTurn((1, 5, index + 3), longer, (-1.0,) * len(longer)), TokenTurn((4,), (9,), (-0.3,))]
            episodes.append(sampled_episode(float(index % 2) if name == "b" else 0.0, turns))
        return trl_columns(episodes, eos_id=2)


@pytest.mark.parametrize("micro_batch", [1, 4])
def test_rows_without_signal_are_left_out_and_the_step_is_the_same(
    tmp_path: Path, micro_batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = GrpoSettings(steps=2, tasks_per_step=2, group_size=4, micro_batch=micro_batch, learning_rate=1.0)

    def learnt(name: str) -> dict[str, torch.Tensor]:
        model, tokenizer = load_model("tiny", to_train=True)
        arguments = grpo._arguments(RunFolder(tmp_path / name, {}), settings, on_cpu=True)
        # Adam would blow rounding errors of tiny gradients up to whole steps.
        arguments |= {"bf16": False, "optim": "sgd"}
        make_grpo_trainer(model, tokenizer, Told(), arguments=arguments).train()  # type: ignore[arg-type]
        return {key: value.clone() for key, value in model.state_dict().items()}

    found = learnt("lean")
    monkeypatch.setattr(RowsWithSignal, "_compute_loss", GRPOTrainer._compute_loss)
    expected = learnt("all")
    assert all(torch.allclose(found[key], expected[key], atol=1e-5) for key in expected)
    assert not all(torch.equal(found[key], value) for key, value in load_model("tiny")[0].state_dict().items())


def test_every_episode_has_a_seed_of_its_own() -> None:
    seeds = {hash_seed(run, step, index) for run in range(3) for step in range(20) for index in range(64)}
    assert len(seeds) == 3 * 20 * 64


def test_no_tasks_are_refused(tmp_path: Path, backend: SandboxFactory) -> None:
    with pytest.raises(NoTasksError):
        train_grpo("tiny", [], tmp_path, backend=backend)


@pytest.mark.parametrize("changes", [{"group_size": 1}, {"tasks_per_step": 1, "group_size": 3, "micro_batch": 2}])
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="group_size"):
        GrpoSettings(**changes)


@pytest.mark.slow
def test_a_short_run_trains_records_and_is_done(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    settings = GrpoSettings(steps=2, tasks_per_step=1, group_size=2, micro_batch=2, concurrency=2, learning_rate=1e-3)

    def train() -> Path:
        return train_grpo(
            "tiny", tasks, tmp_path / "run", backend=backend, settings=settings, local=LOCAL, config=SMALL.env
        )

    folder = train()
    report = RunFolder(tmp_path / "run", {}).report()
    assert [entry["step"] for entry in report["history"]] == [1, 2]
    with EpisodeStore(tmp_path / "run" / "episodes") as store:
        episodes = list(store.episodes())
    assert len(episodes) == 4
    assert {episode.policy for episode in episodes} == {"local:run@0", "local:run@1"}
    assert all(step.action.tokens is not None for episode in episodes for step in episode.steps)
    assert train() == folder
    load_model(str(folder))


@pytest.mark.slow
def test_interrupted_after_the_last_step_it_takes_no_other(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = GrpoSettings(steps=1, tasks_per_step=1, group_size=2, micro_batch=2, learning_rate=1e-3)

    def train() -> Path:
        return train_grpo("tiny", tasks, tmp_path, backend=backend, settings=settings, local=LOCAL, config=SMALL.env)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(grpo, "save_model", Mock(side_effect=KeyboardInterrupt))
        train()
    trained = load_model(str(tmp_path / "checkpoints" / "checkpoint-1"))[0].state_dict()
    found = load_model(str(train()))[0].state_dict()
    assert all(trained[name].equal(found[name]) for name in trained)
    assert [entry["step"] for entry in RunFolder(tmp_path, {}).report()["history"]] == [1]


@pytest.mark.slow
def test_a_model_that_cannot_sample_is_no_training(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journeyman.policies.batch.Batch.step", Mock(side_effect=RuntimeError("a broken kernel")))
    settings = GrpoSettings(steps=1, tasks_per_step=1, group_size=2, micro_batch=1)
    with pytest.raises(TrainingError, match=r"no episode of step 1 could be played: .*a broken kernel"):
        train_grpo("tiny", tasks, tmp_path, backend=backend, settings=settings, local=LOCAL, config=SMALL.env)


@pytest.mark.slow
def test_adapters_sample_and_learn(tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory) -> None:
    settings = GrpoSettings(steps=1, tasks_per_step=1, group_size=2, micro_batch=1, lora_rank=4)
    train_grpo("tiny", tasks, tmp_path, backend=backend, settings=settings, local=LOCAL, config=SMALL.env)
    with EpisodeStore(tmp_path / "episodes") as store:
        episodes = list(store.episodes())
    assert len(episodes) == 2
    assert all(episode.steps and episode.stop is not StopReason.POLICY_ERROR for episode in episodes)


@pytest.mark.slow
def test_a_step_without_a_score_is_survived_with_adapters_too(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    settings = GrpoSettings(steps=1, tasks_per_step=1, group_size=2, micro_batch=1, lora_rank=4)
    no_room = replace(LOCAL, max_episode_tokens=8)  # every episode ends before its first action
    folder = train_grpo("tiny", tasks, tmp_path, backend=backend, settings=settings, local=no_room, config=SMALL.env)
    load_model(str(folder))
