"""The one file that knows TRL's experimental `rollout_func`: episodes in, token rows with rewards out.

What TRL asks for: for each prompt (already repeated `num_generations` times) the prompt's ids, the completion's ids
and a mask of which of those the model sampled. A prompt here is just the task's name; what the model really read comes
from the ledger. Rewards travel as an extra field to a reward function that hands them through; `None` marks an
unscored episode, which TRL leaves out of its group's mean and gives no advantage.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from datasets import Dataset
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.store import EpisodeStore
from journeyman.policies.job import Job
from journeyman.policies.local import LocalModel
from journeyman.policies.local_settings import LocalSettings
from journeyman.policies.models import to_act
from journeyman.policies.rollout_many import rollout_many
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import TrainingError
from journeyman.training.lean_head import logits_before
from journeyman.training.tokens import sampled


class GroupSampler:
    """Collects episodes with the trainer's current weights. Given to TRL as its `rollout_func`."""

    def __init__(
        self,
        tasks: Sequence[Task],
        tokenizer: Any,
        *,
        backend: SandboxFactory,
        local: LocalSettings,
        config: EnvConfig,
        store: EpisodeStore,
        temperature: float,
        concurrency: int,
        seed: int,
        name: str,
    ) -> None:
        self.tasks = {task.name: task for task in tasks}
        self._tokenizer, self._backend, self._config, self._store = tokenizer, backend, config, store
        self._settings = replace(local, temperature=temperature)
        self._concurrency, self._seed, self._name = concurrency, seed, name

    def __call__(self, prompts: list[str], trainer: Any) -> dict[str, list[Any]]:
        weights = to_act(trainer.accelerator.unwrap_model(trainer.model))
        step = trainer.state.global_step
        with LocalModel(weights, self._tokenizer, name=f"{self._name}@{step}", settings=self._settings) as model:
            jobs = [
                Job(
                    self.tasks[name],
                    self._backend,
                    lambda _: model.policy(),
                    seed=hash_seed(self._seed, step, index),
                    config=self._config,
                )
                for index, name in enumerate(prompts)
            ]
            episodes = rollout_many(jobs, concurrency=self._concurrency, store=self._store)
            if all(episode.stop is StopReason.POLICY_ERROR for episode in episodes):
                # Nothing would be learnt from any step, and the run would end as if all were well.
                raise TrainingError(f"no episode of step {step + 1} could be played: {episodes[0].detail}")
            return trl_columns(episodes, eos_id=model.chat.eos_id)


def hash_seed(*parts: int) -> int:
    """One seed for each (run, step, episode), far apart from its neighbours."""
    seed = 0
    for part in parts:
        seed = (seed * 1_000_003 + part + 1) % 2**31
    return seed


def trl_columns(episodes: Sequence[Episode], *, eos_id: int) -> dict[str, list[Any]]:
    """What `rollout_func` returns, one entry for each episode, in order."""
    columns: dict[str, list[Any]] = {
        key: [] for key in ("prompt_ids", "completion_ids", "env_mask", "logprobs", "episode_reward")
    }
    for episode in episodes:
        row = sampled(episode)
        start = row.prompt_length
        # An episode that failed before its first action has nothing to learn from: one masked token stands for it.
        columns["prompt_ids"].append(list(row.ids[:start]) or [eos_id])
        columns["completion_ids"].append(list(row.ids[start:]) or [eos_id])
        columns["env_mask"].append([int(trained) for trained in row.trained[start:]] or [0])
        columns["logprobs"].append(list(row.logprobs[start:]) or [0.0])
        columns["episode_reward"].append(episode.reward if row.ids else None)
    return columns


def episode_reward(completions: list[Any], episode_reward: list[float | None], **_: Any) -> list[float | None]:
    """TRL's reward function: hands through what the grader decided."""
    return episode_reward


class RowsWithSignal(GRPOTrainer):
    """TRL's trainer, but what adds nothing to the gradient is not computed: episodes whose advantage is 0 (in many
    groups all of them), the columns of padding up to the longest episode of the whole step, and the language head over
    what the model read rather than wrote (most of an episode, and a vocabulary wide).

    The same gradient, since the loss must be a sum over tokens divided by a number fixed for the whole step
    (`loss_type="dapo"`) without a term of its own for each episode (`beta=0`, no entropy bonus).
    """

    _trained: torch.Tensor | None = None
    """Of the rows that are being computed, (B, T): which tokens of their completions the model sampled."""

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        rows_B = inputs["advantages"] != 0
        if not rows_B.any():
            # A gradient of zeros, not none at all: the optimiser's momentum goes on as it would.
            return sum((p.sum() * 0.0 for p in model.parameters() if p.requires_grad), start=torch.tensor(0.0))
        rows = _trimmed(inputs, rows_B)
        self._trained = (rows["completion_mask"] * rows["tool_mask"]).bool()
        loss: torch.Tensor = super()._compute_loss(model, rows)  # type: ignore[no-untyped-call]
        return loss

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: torch.Tensor, attention_mask: torch.Tensor, logits_to_keep: int, **options: Any
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """Log-probabilities and entropies, both (B, T), 0 where no token was sampled."""
        trained = self._trained
        if trained is None or self.accelerator.num_processes > 1:
            # The decoder alone would go past what keeps several processes together.
            found: tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]
            found = super()._get_per_token_logps_and_entropies(
                model, input_ids, attention_mask, logits_to_keep, **options
            )  # fmt: skip
            return found
        prompt_B_P = torch.zeros_like(input_ids[:, :-logits_to_keep], dtype=torch.bool)
        with self.accelerator.autocast():
            logits_N_V = logits_before(
                model, torch.cat([prompt_B_P, trained], dim=1), input_ids=input_ids, attention_mask=attention_mask
            )  # fmt: skip
        logprobs_N_V = torch.log_softmax(logits_N_V / self.temperature, dim=-1)
        tokens_N = input_ids[:, -logits_to_keep:][trained]
        logprobs_N = logprobs_N_V.gather(1, tokens_N[:, None])[:, 0]
        entropies_N = -(logprobs_N_V.detach().exp() * logprobs_N_V.detach()).sum(dim=-1)
        zeros_B_T = torch.zeros(trained.shape, device=logprobs_N.device)
        return zeros_B_T.masked_scatter(trained, logprobs_N), zeros_B_T.masked_scatter(trained, entropies_N), None


def _trimmed(inputs: dict[str, Any], rows_B: torch.Tensor) -> dict[str, Any]:
    """Those rows alone, without columns that are padding in all of them (left of prompts, right of completions)."""
    rows = {
        key: value[rows_B] if isinstance(value, torch.Tensor) and value.dim() and len(value) == len(rows_B) else value
        for key, value in inputs.items()
    }
    prompt_P, completion_T = (rows[f"{part}_mask"].any(dim=0) for part in ("prompt", "completion"))
    padding = int(prompt_P.int().argmax())
    longest = int(completion_T.nonzero().max()) + 1 if completion_T.any() else 1
    for key, value in rows.items():
        if not isinstance(value, torch.Tensor) or value.dim() != 2:
            continue
        if key.startswith("prompt_"):
            rows[key] = value[:, padding:]
        elif value.size(1) == len(completion_T):
            rows[key] = value[:, :longest]
    return rows


def make_grpo_trainer(
    model: Any,
    tokenizer: Any,
    sampler: GroupSampler,
    *,
    arguments: dict[str, Any],
    peft: Any = None,
    callbacks: Sequence[Any] = (),
) -> GRPOTrainer:
    """TRL's trainer over `sampler`'s tasks. `arguments` are `GRPOConfig`'s."""
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")  # we pin TRL, and know that `rollout_func` may change
    return RowsWithSignal(
        model=model,
        reward_funcs=[episode_reward],
        args=GRPOConfig(**arguments),
        train_dataset=Dataset.from_dict({"prompt": sorted(sampler.tasks)}),
        processing_class=tokenizer,
        rollout_func=sampler,
        peft_config=peft,
        callbacks=list(callbacks),
    )
