"""GRPO through TRL: our episodes, rewards and masks are what its loss sees."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from datasets import Dataset
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.store import EpisodeStore
from journeyman.policies.job import Job
from journeyman.policies.local import LocalModel
from journeyman.policies.models import load_model
from journeyman.policies.rollout_many import rollout_many
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training import grpo, sft
from journeyman.training.checkpoint import RunFolder, TrainingError
from journeyman.training.credit import has_signal
from journeyman.training.groups import Collected, Group
from journeyman.training.grpo import GrpoSettings, NoTasksError, train_grpo
from journeyman.training.presets import preset
from journeyman.training.tokens import sampled
from journeyman.training.trl_rollouts import RowsWithSignal, episode_reward, make_grpo_trainer, trl_columns

SMALL = preset("small")
LOCAL = replace(SMALL.local, max_turn_tokens=8, max_episode_tokens=600)


def sampled_episode(reward: float | None, turns: list[TokenTurn]) -> Episode:
    steps = tuple(Step(Action("view", {"path": "."}, "x", turn), Observation("y")) for turn in turns)
    return Episode("e", "t", "p", 0, Observation("x"), steps, StopReason.REPORTED, reward, (), None)


def group(episodes: list[Episode], advantages: list[list[float]]) -> Group:
    return Group(tuple(episodes), tuple(map(tuple, advantages)), has_signal(advantages))


def test_environment_tokens_are_masked_and_unscored_is_not_zero() -> None:
    turns = [TokenTurn((1, 2), (7, 8), (-0.1, -0.2)), TokenTurn((4,), (9,), (-0.3,))]
    episodes = [sampled_episode(0.5, turns), sampled_episode(None, turns), sampled_episode(None, [])]
    columns = trl_columns([group(episodes, [[0.5, -0.25], [0.0, 0.0], []])], eos_id=2)
    assert columns["prompt_ids"] == [[1, 2], [1, 2], [2]]
    assert columns["completion_ids"] == [[7, 8, 4, 9], [7, 8, 4, 9], [2]]
    assert columns["env_mask"] == [[1, 1, 0, 1], [0, 0, 0, 0], [0]]
    assert columns["advantages"] == [[0.5, 0.5, 0.0, -0.25], [0.0] * 4, [0.0]]
    assert columns["logprobs"] == [[-0.1, -0.2, 0.0, -0.3], [0.0] * 4, [0.0]]
    assert columns["episode_reward"] == [0.5, None, None]


def at_lag_0(turns: list[TokenTurn]) -> list[TokenTurn]:
    """With the log-probabilities that the tiny model has for what was sampled."""
    ids = [token for turn in turns for token in (*turn.prompt_ids, *turn.sampled_ids)]
    model, _ = load_model("tiny", to_train=True)
    with torch.no_grad():
        logprobs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    found, at = [], 0
    for turn in turns:
        at += len(turn.prompt_ids)
        theirs = tuple(float(logprobs[at + n - 1, token]) for n, token in enumerate(turn.sampled_ids))
        found.append(replace(turn, logprobs=theirs))
        at += len(turn.sampled_ids)
    return found


class Told:
    """A sampler whose episodes are known: one group in which all failed, one in which half did; lengths differ."""

    groups: tuple[Group, ...]

    def __init__(self) -> None:
        groups = []
        for solved in (0.0, 1.0):
            episodes = []
            for index in range(4):
                longer = tuple(range(10, 14 + 5 * index))
                turns = at_lag_0([TokenTurn((1, 5, index + 3), longer, ()), TokenTurn((4,), (9,), ())])
                episodes.append(sampled_episode(solved * (index % 2), turns))
            # Less the mean of the group, as TRL would have it.
            rewards = [episode.reward or 0.0 for episode in episodes]
            groups.append(group(episodes, [[reward - sum(rewards) / 4] * 2 for reward in rewards]))
        self.groups = tuple(groups)

    def __call__(self, trainer: Any, groups: int) -> tuple[Collected, int]:
        return Collected(self.groups, self.groups), 2


def learnt(
    folder: Path, make_trainer: Callable[..., GRPOTrainer], micro_batch: int, **changes: Any
) -> dict[str, torch.Tensor]:
    """The weights after a step that is large enough to show any difference, but for Adam, which would blow rounding
    errors of tiny gradients up to whole steps."""
    settings = GrpoSettings(steps=1, tasks_per_step=2, group_size=4, micro_batch=micro_batch, learning_rate=1.0)
    model, tokenizer = load_model("tiny", to_train=True)
    arguments = grpo._arguments(RunFolder(folder, {}), settings, on_cpu=True)
    arguments |= {"bf16": False, "optim": "sgd", "max_grad_norm": 1e9}
    make_trainer(model, tokenizer, Told(), arguments=arguments | changes).train()
    return {key: value.clone() for key, value in model.state_dict().items()}


@pytest.mark.parametrize("micro_batch", [1, 4])
def test_rows_without_signal_are_left_out_and_the_step_is_the_same(
    tmp_path: Path, micro_batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = learnt(tmp_path / "lean", make_grpo_trainer, micro_batch)
    monkeypatch.setattr(RowsWithSignal, "_compute_loss", GRPOTrainer._compute_loss)
    expected = learnt(tmp_path / "all", make_grpo_trainer, micro_batch)
    assert all(torch.allclose(found[key], expected[key], atol=1e-5) for key in expected)
    assert not all(torch.equal(found[key], value) for key, value in load_model("tiny")[0].state_dict().items())


def test_the_step_is_that_of_trl_alone(tmp_path: Path) -> None:
    def plain(model: Any, tokenizer: Any, told: Told, arguments: dict[str, Any]) -> GRPOTrainer:
        def rollouts(prompts: list[str], trainer: Any) -> dict[str, list[Any]]:
            columns = trl_columns(told.groups, eos_id=2)
            # TRL counts what every episode sampled, also where the whole group did alike.
            columns["env_mask"] = [[int(turn >= 0) for turn in turns] for turns in turns_of(told)]
            return {key: columns[key] for key in ("prompt_ids", "completion_ids", "env_mask", "episode_reward")} | {
                "logprobs": None
            }

        return GRPOTrainer(
            model=model, reward_funcs=[episode_reward], args=GRPOConfig(**arguments), processing_class=tokenizer,
            train_dataset=Dataset.from_dict({"prompt": ["a", "b"]}), rollout_func=rollouts,
        )  # fmt: skip

    def turns_of(told: Told) -> list[tuple[int, ...]]:
        rows = [sampled(episode) for each in told.groups for episode in each.episodes]
        return [row.turns[row.prompt_length :] for row in rows]

    counted = sum(turn >= 0 for turns in turns_of(Told()) for turn in turns)
    learned = sum(sum(mask) for mask in trl_columns(Told().groups, eos_id=2)["env_mask"])
    ours = learnt(tmp_path / "ours", make_grpo_trainer, 8, learning_rate=learned / counted)
    trls = learnt(tmp_path / "trl", plain, 8)
    assert all(torch.allclose(ours[key], trls[key], atol=1e-5) for key in trls)


def test_no_tasks_are_refused(tmp_path: Path, backend: SandboxFactory) -> None:
    with pytest.raises(NoTasksError):
        train_grpo("tiny", [], tmp_path, backend=backend)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"group_size": 1}, "group_size"),
        ({"tasks_per_step": 1, "group_size": 3, "micro_batch": 2}, "group_size"),
        ({"micro_batch": 0}, "micro_batch"), ({"steps": 0}, "steps"), ({"concurrency": 0}, "concurrency"),
        ({"refills": -1}, "refills"), ({"temperature": 0}, "temperature"),
        ({"learning_rate": math.nan}, "learning_rate"), ({"refresh_every": 0}, "refresh_every"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        GrpoSettings(**changes)


def test_two_tasks_of_one_name_are_refused(tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory) -> None:
    with pytest.raises(TrainingError, match="one name"):
        train_grpo("tiny", [tasks[0], tasks[0]], tmp_path, backend=backend)


@pytest.mark.slow
def test_a_short_run_trains_records_and_is_done(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    settings = GrpoSettings(
        steps=2, tasks_per_step=1, group_size=2, micro_batch=2, refills=0, concurrency=2, learning_rate=1e-3
    )

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
        patched.setattr(sft, "save_model", Mock(side_effect=KeyboardInterrupt))
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
    settings = GrpoSettings(steps=1, tasks_per_step=1, group_size=2, micro_batch=1, refills=0, lora_rank=4)
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


@pytest.mark.slow
@pytest.mark.parametrize("micro_batch", [1, 4])
def test_what_sampled_is_what_learns(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory, monkeypatch: pytest.MonkeyPatch, micro_batch: int
) -> None:
    """At lag 0 and in one precision the ratio of the trained policy to the sampler is 1 at every sampled token, in
    conversations of several turns, whose cache was kept, in a batch."""
    for module in ("policies.weights", "training.grpo"):
        monkeypatch.setattr(f"journeyman.{module}.computes_in_bfloat16", lambda: False)

    def told(group: Sequence[Episode], *_: Any) -> list[list[float]]:
        return [[(-1.0) ** number] * len(episode.steps) for number, episode in enumerate(group)]

    monkeypatch.setattr("journeyman.training.groups.advantages", told)
    settings = GrpoSettings(steps=1, tasks_per_step=2, group_size=4, micro_batch=micro_batch)
    train_grpo("tiny", tasks, tmp_path, backend=backend, settings=settings, local=LOCAL, config=SMALL.env)
    (entry,) = RunFolder(tmp_path, {}).report()["history"]
    assert entry["sampler/ratio_mean"] == pytest.approx(1.0, abs=1e-4)
    assert entry["sampler/ratio_off_max"] < 1e-3
    assert entry["clip_ratio/region_mean"] == 0.0


@pytest.mark.slow
def test_as_many_at_once_as_there_are_or_one_after_the_other_is_the_same(
    tasks: tuple[Task, ...], backend: SandboxFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journeyman.policies.models.computes_in_bfloat16", lambda: False)
    greedy = replace(LOCAL, temperature=0.0)

    def played(concurrency: int) -> list[list[tuple[int, ...]]]:
        with LocalModel.load("tiny", settings=greedy) as model:
            jobs = [Job(tasks[n % 2], backend, lambda _: model.policy(), n, SMALL.env) for n in range(16)]
            episodes = rollout_many(jobs, concurrency=concurrency)
        return [[step.action.tokens.sampled_ids for step in e.steps if step.action.tokens] for e in episodes]

    assert played(1) == played(16)


@pytest.mark.slow
def test_a_sampler_that_lags_is_corrected_for(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """llama.cpp samples from an export that every second step makes anew: where it is fresh the trained policy is
    nearly the one that sampled, and a step later it has moved away."""
    pytest.importorskip("xllamacpp", reason="llama.cpp is not installed: pip install 'journeyman[llamacpp]'")

    def told(group: Sequence[Episode], *_: Any) -> list[list[float]]:
        return [[(-1.0) ** number] * len(episode.steps) for number, episode in enumerate(group)]

    monkeypatch.setattr("journeyman.training.groups.advantages", told)
    settings = GrpoSettings(
        steps=3, tasks_per_step=1, group_size=4, micro_batch=4, learning_rate=1e-2, refills=0, refresh_every=2
    )  # fmt: skip
    local = replace(LOCAL, sampler="llamacpp")
    train_grpo("tiny", tasks, tmp_path, backend=backend, settings=settings, local=local, config=SMALL.env)
    fresh, lagging, again = (row["sampler/ratio_off_max"] for row in RunFolder(tmp_path, {}).report()["history"])
    assert fresh < 0.3 and again < 0.3 < lagging
    with EpisodeStore(tmp_path / "episodes") as store:
        assert all("llamacpp" in each.versions["sampler"] for each in store.episodes())


@pytest.mark.filterwarnings("ignore:.gradient_checkpointing:FutureWarning")  # TRL's names for it
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
def test_layers_that_are_computed_again_give_the_same_step(tmp_path: Path) -> None:
    kept = learnt(tmp_path / "kept", make_grpo_trainer, 4)
    again = learnt(tmp_path / "again", make_grpo_trainer, 4, activation_checkpointing=True)
    assert all(torch.allclose(kept[key], again[key], atol=1e-5) for key in kept)
