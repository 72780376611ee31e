"""The one file that knows TRL's experimental `rollout_func`: episodes in, token rows with advantages out.

What TRL asks for: for each prompt (already repeated `num_generations` times) the prompt's ids, the completion's ids
and a mask of which of those the model sampled. Its prompts say nothing here: which tasks are played is decided by
training/groups.py, and what the model really read comes from the ledger. Rewards travel as an extra field to a reward
function that hands them through, for TRL's log; what each token is credited with is ours (training/credit.py) and
takes the place of the advantages that TRL would make of them. So do the log-probabilities with which the tokens were
sampled: whoever sampled them, in whatever precision and with whatever weights, the ratio that is clipped is the
trained policy's to that one's.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any, Protocol, cast

import torch
from datasets import Dataset
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from journeyman.policies.local import LocalModel
from journeyman.policies.local_settings import TRANSFORMERS, LocalSettings
from journeyman.policies.weights import to_act
from journeyman.training.groups import Collected, Group, Groups
from journeyman.training.reporting import StepReporter
from journeyman.training.reward_log import RewardLog
from journeyman.training.shared_prefix import logits_before_shared
from journeyman.training.stopwatch import ROLLOUT
from journeyman.training.tokens import sampled


class Sampler(Protocol):
    """Plays what a step learns from."""

    def __call__(self, trainer: Any, groups: int) -> tuple[Collected, int]:
        """So many groups, and the id of the token that ends a turn."""
        ...


class GroupSampler:
    """Plays a step's groups with the trainer's weights: the newest ones, or those of some steps ago where a sampler has
    to be given them anew, which takes time (llama.cpp's export, vLLM's copy).

    Args:
        refresh_every: steps for which such a sampler keeps its weights.
    """

    def __init__(
        self,
        groups: Groups,
        tokenizer: Any,
        local: LocalSettings,
        refresh_every: int = 1,
        reporter: StepReporter | None = None,
        rewards: RewardLog | None = None,
    ) -> None:
        self._groups, self._tokenizer, self._local, self._refresh_every = groups, tokenizer, local, refresh_every
        self._reporter, self._rewards = reporter, rewards
        self._model: LocalModel | None = None

    def __call__(self, trainer: Any, groups: int) -> tuple[Collected, int]:
        step = trainer.state.global_step
        watching = self._reporter.watch.during(ROLLOUT) if self._reporter else contextlib.nullcontext()
        with watching:
            model = self._model_at(step, trainer.accelerator.unwrap_model(trainer.model))
            collected = self._groups.collect(step, groups, model.policy)
        if self._local.sampler == TRANSFORMERS:
            self.close()  # training needs the memory
        if self._rewards is not None:
            self._rewards.collected(step + 1, collected)
        if self._reporter is not None:
            self._reporter.collected([group.episodes for group in collected.played], collected.paid())
        return collected, model.chat.eos_id

    def close(self) -> None:
        """Let go of what samples. Idempotent."""
        if self._model is not None:
            self._model.close()
            self._model = None

    def _model_at(self, step: int, weights: Any) -> LocalModel:
        if self._model is None:
            acting = to_act(weights) if self._local.sampler == TRANSFORMERS else weights
            self._model = LocalModel(acting, self._tokenizer, name="", settings=self._local)
        elif step % self._refresh_every == 0:
            self._model.engine.refresh(weights)
        self._model.name = self._groups.policy_name(step)
        return self._model


def trl_columns(groups: Sequence[Group], *, eos_id: int) -> dict[str, list[Any]]:
    """What `rollout_func` returns, and advantages, one entry for each episode, in order.

    What nothing is learned from (an advantage of 0, an episode that was cut off) is masked like what the environment
    wrote, so that it does not count among the tokens that a step's loss is a mean of.
    """
    columns: dict[str, list[Any]] = {
        key: [] for key in ("prompt_ids", "completion_ids", "env_mask", "logprobs", "episode_reward", "advantages")
    }
    for group in groups:
        for episode, by_turn in zip(group.episodes, group.advantages, strict=True):
            row = sampled(episode)
            start = row.prompt_length
            credited = [by_turn[turn] if turn >= 0 else 0.0 for turn in row.turns[start:]]
            # An episode that failed before its first action has nothing to learn from: one masked token stands for it.
            columns["prompt_ids"].append(list(row.ids[:start]) or [eos_id])
            columns["completion_ids"].append(list(row.ids[start:]) or [eos_id])
            columns["env_mask"].append([int(value != 0) for value in credited] or [0])
            columns["logprobs"].append(
                [logprob if value else 0.0 for logprob, value in zip(row.logprobs[start:], credited, strict=True)]
                or [0.0]
            )
            columns["episode_reward"].append(episode.reward if row.ids else None)
            columns["advantages"].append(credited or [0.0])
    return columns


def episode_reward(completions: list[Any], episode_reward: list[float | None], **_: Any) -> list[float | None]:
    """TRL's reward function: hands through what the grader decided."""
    return episode_reward


class RowsWithSignal(GRPOTrainer):
    """TRL's trainer, but what adds nothing to the gradient is not computed: episodes whose advantage is 0 (in many
    groups all of them), the columns of padding up to the longest episode of the whole step, what episodes begin with in
    common more than once, and the language head over what the model read rather than wrote (most of an episode, and a
    vocabulary wide).

    The same gradient, since the loss must be a sum over tokens divided by a number fixed for the whole step
    (`loss_type="dapo"`) without a term of its own for each episode (`beta=0`, no entropy bonus).
    """

    _trained: torch.Tensor | None = None
    """Of the rows that are being computed, (B, T): which tokens of their completions the model sampled."""
    _logprobs: torch.Tensor | None = None
    """Of these tokens, (N,), under the weights that learn."""

    def __init__(self, sampler: Sampler, **options: Any) -> None:
        self._sampler = sampler
        self._ledger: dict[str, list[list[float]]] = {}
        """Of the last step's episodes, for each token of their completions: `advantages` and `logprobs`."""
        super().__init__(rollout_func=self._play, **options)

    def _play(self, prompts: list[str], trainer: Any) -> dict[str, list[Any]]:
        collected, eos_id = self._sampler(trainer, len(prompts) // cast(int, self.num_generations))
        for name, value in collected.facts().items():
            self._metrics["train"][name].append(value)
        columns = trl_columns(collected.groups, eos_id=eos_id)
        self._ledger = {"advantages": columns.pop("advantages"), "logprobs": columns["logprobs"]}
        return columns

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        """TRL's, with our advantages, (B, T), in the place of its own, (B,), and the sampler's log-probabilities."""
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        output["advantages"] = self._padded("advantages", output["completion_ids"])
        output["old_per_token_logps"] = self._padded("logprobs", output["completion_ids"])
        return output

    def _padded(self, name: str, like_B_T: torch.Tensor) -> torch.Tensor:
        padded_B_T = torch.zeros(like_B_T.shape, device=like_B_T.device)
        for row, values in enumerate(self._ledger[name]):
            padded_B_T[row, : len(values)] = torch.tensor(values, device=like_B_T.device)
        return padded_B_T

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        rows_B = (inputs["advantages"] != 0).any(dim=1)
        if self.accelerator.num_processes > 1:
            rows_B = self._as_many_as_others(rows_B)
        elif not rows_B.any():
            # A gradient of zeros, not none at all: the optimiser's momentum goes on as it would.
            return sum((p.sum() * 0.0 for p in model.parameters() if p.requires_grad), start=torch.tensor(0.0))
        rows = _trimmed(inputs, rows_B)
        self._trained = trained = (rows["completion_mask"] * rows["tool_mask"]).bool()
        loss: torch.Tensor = super()._compute_loss(model, rows)  # type: ignore[no-untyped-call]
        if self._logprobs is not None:
            ratios_N = (self._logprobs - rows["old_per_token_logps"][trained]).exp()
            self._metrics["train"]["sampler/ratio_mean"].append(float(ratios_N.mean()))
            self._metrics["train"]["sampler/ratio_off_max"].append(float((ratios_N - 1).abs().max()))
        return loss

    def _as_many_as_others(self, rows_B: torch.Tensor) -> torch.Tensor:
        """With as many rows as the process that has the most, and one at least: processes pass their gradients and
        TRL's figures for each row to one another. Of rows that are put in, the mask lets nothing through."""
        count = rows_B.sum()
        most = max(1, int(self.accelerator.gather(count[None]).max()))
        rows_B[(~rows_B).nonzero()[: most - int(count), 0]] = True
        return rows_B

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
            logits_N_V = logits_before_shared(
                model, torch.cat([prompt_B_P, trained], dim=1), input_ids=input_ids, attention_mask=attention_mask
            )  # fmt: skip
        logprobs_N_V = torch.log_softmax(logits_N_V / self.temperature, dim=-1)
        tokens_N = input_ids[:, -logits_to_keep:][trained]
        logprobs_N = logprobs_N_V.gather(1, tokens_N[:, None])[:, 0]
        entropies_N = -(logprobs_N_V.detach().exp() * logprobs_N_V.detach()).sum(dim=-1)
        self._logprobs = logprobs_N.detach()
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
    sampler: Sampler,
    *,
    arguments: dict[str, Any],
    peft: Any = None,
    callbacks: Sequence[Any] = (),
) -> GRPOTrainer:
    """TRL's trainer over what `sampler` plays. `arguments` are `GRPOConfig`'s."""
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")  # we pin TRL, and know that `rollout_func` may change
    config = GRPOConfig(**arguments)
    groups = cast(int, config.generation_batch_size) // cast(int, config.num_generations)
    return RowsWithSignal(
        sampler,
        model=model,
        reward_funcs=[episode_reward],
        args=config,
        train_dataset=Dataset.from_dict({"prompt": [f"group {number + 1}" for number in range(groups)]}),
        processing_class=tokenizer,
        peft_config=peft,
        callbacks=list(callbacks),
    )
