"""TRL's side of `experience.py`: its trainer, its `environment_factory`, its loop over turns."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
from datasets import Dataset
from sides.world import REPORT, SYSTEM, Made, World
from trl.trainer import grpo_trainer
from trl.trainer.grpo_config import GRPOConfig

warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*", FutureWarning)  # TRL calls it by its old name


class TrlEnvironment:
    """The same as TRL wants it: `reset`, a tool, `get_reward`."""

    def __init__(self, world: World) -> None:
        self._world, self._env = world, world.environment()

    def reset(self, **_: Any) -> str:
        text: str = self._env.reset()[0]
        return text

    def act(self, turn: int) -> str:
        """Do the script's next call.

        Args:
            turn: the number of the turn.

        Returns:
            What is to be seen then.
        """
        text: str = self._env.step(self._world.action(turn).to_json())[0]
        return text

    def get_reward(self) -> float:
        reward: float = self._env.step(REPORT.to_json())[1]
        return reward

    def _close(self) -> None:
        self._env.close()


class Trl:
    """TRL's trainer with that environment."""

    def __init__(self, world: World, rollouts: int, folder: str) -> None:
        self._world, self._rollouts = world, rollouts
        self._generated_s: list[float] = []
        world.tokenizer.response_template = {}  # it asks for one before it starts; ours is the script
        arguments = GRPOConfig(
            output_dir=folder, per_device_train_batch_size=rollouts, num_generations=rollouts, use_cpu=True, bf16=False,
            max_completion_length=7000, max_tool_calling_iterations=world.turns, activation_checkpointing=False,
            generation_kwargs={"max_new_tokens": world.cap}, report_to="none", beta=0.0,
        )  # fmt: skip
        self._row = {"prompt": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": ""}]}
        self._trainer: Any = grpo_trainer.GRPOTrainer(
            world.model, [], args=arguments, train_dataset=Dataset.from_list([self._row]),
            processing_class=world.tokenizer, environment_factory=lambda: TrlEnvironment(world),
        )  # fmt: skip

    def make(self) -> Made:
        self._generated_s.clear()
        self._world.env_s.clear()
        read = 0

        def parse(*_: Any, **__: Any) -> dict[str, Any]:
            nonlocal read
            turn, read = read // self._rollouts, read + 1
            call = {"type": "function", "function": {"name": "act", "arguments": {"turn": turn}}}
            return {"role": "assistant", "content": "", "tool_calls": [call] if turn < self._world.turns - 1 else []}

        plain = self._world.model.generate
        with (
            patch.object(grpo_trainer, "parse_response", parse),
            patch.object(self._world.model, "generate", lambda *args, **named: self._timed(plain, *args, **named)),
        ):
            started = time.perf_counter()
            made = self._trainer._generate_and_score_completions([dict(self._row) for _ in range(self._rollouts)])
            wall_s = time.perf_counter() - started
        for environment in self._trainer._environment_pool[None]:
            environment._close()
        tokens = int((made["completion_mask"] * made["tool_mask"]).sum())
        environment_s = sum(self._world.env_s)
        return Made(wall_s, environment_s, environment_s, sum(self._generated_s), read, tokens)

    def _timed(self, generate: Callable[..., Any], *, input_ids: torch.Tensor, **named: Any) -> Any:
        turn, begin = len(self._generated_s), input_ids.size(1)
        lengths_B = torch.tensor([self._world.length(n, turn) for n in range(self._rollouts)])
        end = self._world.tokenizer.eos_token_id

        def end_in_time(ids_B_S: torch.Tensor, scores_B_V: torch.Tensor) -> torch.Tensor:
            """No turn ends by itself; each ends when it has its length."""
            over_B = ids_B_S.size(1) - begin + 1 >= lengths_B
            scores_B_V[over_B] = -torch.inf
            scores_B_V[:, end] = torch.where(over_B, 0.0, -torch.inf)
            return scores_B_V

        started = time.perf_counter()
        try:
            return generate(input_ids=input_ids, logits_processor=[end_in_time], **named)
        finally:
            self._generated_s.append(time.perf_counter() - started)
