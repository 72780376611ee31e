"""Sampling by vLLM in this process, and what that shares with sampling by a vLLM server (`policies/vllm_server.py`).

Both are written by vLLM's documentation and by how TRL 1.16 drives it, whose settings these are, and tested against
stand-ins that speak the same protocol. They were never run with vLLM itself.

A lane sends the whole conversation as token ids at every turn, and vLLM's prefix cache makes that cheap. vLLM draws the
tokens, with a seed from the lane's random numbers; its log-probabilities must be those *after* temperature
(`processed_logprobs`). What touches vLLM's and TRL's inner parts stands in `_load_weights`, there in `_send_weights`.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import torch

from journeyman.envs.actions import TokenTurn
from journeyman.policies.batch import Sampling, Turn
from journeyman.policies.engine import Lane, LaneEngine, TurnBatch
from journeyman.policies.models import ModelError
from journeyman.policies.policy import PolicyError
from journeyman.policies.weights import whole_weights

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_UNTRUNCATED = {"top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
"""Said each time: vLLM would take other defaults from the model's generation_config.json."""


class VllmLane(Lane):
    """A conversation with vLLM. What was said travels each time; vLLM keeps what it has read."""

    def __init__(self, engine: Any, seed: int) -> None:
        super().__init__(engine, seed)
        self.said: list[int] = []

    def generate(self, prompt_ids: Sequence[int], sampling: Sampling) -> TokenTurn:
        """See `Lane`."""
        turn = super().generate(prompt_ids, sampling)
        self.said += [*turn.prompt_ids, *turn.sampled_ids]
        return turn


def request(turn: Turn, eos_id: int) -> dict[str, Any]:
    """What vLLM is asked for, by the names that `SamplingParams` and the server's API share."""
    return {
        **_UNTRUNCATED,
        "temperature": turn.sampling.temperature,
        "max_tokens": turn.sampling.max_new_tokens,
        "seed": int(torch.randint(2**31, (), generator=turn.lane.generator)),
        "logprobs": 0,  # of the sampled token alone
        "stop_token_ids": [eos_id],
        "ignore_eos": True,  # or the model's other end tokens would end a turn too
    }


def conversation(turn: Turn) -> list[int]:
    lane = turn.lane
    assert isinstance(lane, VllmLane)
    return [*lane.said, *turn.prompt_ids]


def answered(turn: Turn, eos_id: int, ids: Sequence[int], logprobs: Sequence[float]) -> None:
    """Note what was sampled.

    Raises:
        PolicyError: it can't be trained on.
    """
    if not ids or len(ids) != len(logprobs) or any(not math.isfinite(logprob) for logprob in logprobs):
        raise PolicyError(f"vLLM answered with {len(ids)} tokens and {len(logprobs)} log-probabilities")
    if ids[-1] != eos_id and len(ids) < turn.sampling.max_new_tokens:
        raise PolicyError(f"vLLM ended a turn after {len(ids)} tokens, neither at its end token nor at its cap")
    turn.sampled, turn.logprobs = list(ids), list(logprobs)


class _VllmBatch:
    """Requests that vLLM's engine has in hand; it batches them itself."""

    def __init__(self, engine: Any, params: Any, eos_id: int) -> None:
        self._engine, self._params, self._eos_id = engine, params, eos_id
        self.turns: list[Turn] = []
        self._asked: dict[str, Turn] = {}
        self._numbers = count()

    def admit(self, turns: Sequence[Turn]) -> None:
        self.turns += turns
        for turn in turns:
            name = str(next(self._numbers))
            self._asked[name] = turn
            params = self._params(**request(turn, self._eos_id), detokenize=False)
            self._engine.add_request(name, {"prompt_token_ids": conversation(turn)}, params)

    def step(self) -> None:
        for output in self._engine.step():
            if not output.finished:
                continue
            (sampled,) = output.outputs
            ids = list(sampled.token_ids)
            logprobs = [at[id_].logprob for at, id_ in zip(sampled.logprobs or (), ids, strict=False)]
            answered(self._asked.pop(output.request_id), self._eos_id, ids, logprobs)

    def finished(self) -> list[Turn]:
        over = [turn for turn in self.turns if turn.sampled]
        self.turns = [turn for turn in self.turns if not turn.sampled]
        return over

    def abandon(self) -> None:
        """After a failure: vLLM is to forget what nobody waits for."""
        if self._asked:
            self._engine.abort_request(list(self._asked))
            self._asked.clear()
        self.turns = []


class VllmEngine(LaneEngine):
    """vLLM in this process, on the GPU that the trainer uses.

    Raises:
        ModelError: vLLM is not installed.
    """

    def __init__(
        self, source: str, eos_id: int, *, conversation_tokens: int, max_batch: int, gpu_memory_share: float = 0.3
    ) -> None:
        """
        Args:
            source: a hub id or a folder.
            conversation_tokens: the longest conversation.
            gpu_memory_share: of the GPU's memory; the rest is the trainer's.
        """
        try:
            import vllm
        except ImportError as error:
            raise ModelError("the sampler vllm needs vLLM: pip install 'trl[vllm]'") from error
        self.version = f"vllm {vllm.__version__}"
        self._llm: Any = vllm.LLM(
            model=source,
            max_model_len=conversation_tokens,
            max_num_seqs=max_batch,
            dtype="bfloat16",  # in which the trainer computes too
            enable_prefix_caching=True,
            logprobs_mode="processed_logprobs",
            gpu_memory_utilization=gpu_memory_share,
        )
        self._turns = _VllmBatch(self._llm.llm_engine, vllm.SamplingParams, eos_id)
        super().__init__(eos_id, max_batch=max_batch)

    def refresh(self, model: PreTrainedModel) -> None:
        """Give vLLM this model's weights.

        Raises:
            PolicyError: a conversation is open.
        """
        with self._between_conversations():
            self._load_weights(model)
            self._llm.reset_prefix_cache()

    def _load_weights(self, model: Any) -> None:
        # vLLM has no public way to take weights from this process's memory; this is TRL's, in
        # `VLLMGeneration.sync_weights`. It needs VLLM_ENABLE_V1_MULTIPROCESSING=0: the engine's core in this process.
        there = self._llm.llm_engine.model_executor.driver_worker.model_runner.model
        for name, tensor in whole_weights(model, rounded=True):  # vLLM would round them to the nearest
            there.load_weights([(name, tensor)])

    def _lane(self, seed: int) -> Lane:
        return VllmLane(self, seed)

    @contextlib.contextmanager
    def _batch(self) -> Iterator[TurnBatch]:
        yield self._turns
        self._turns.abandon()
