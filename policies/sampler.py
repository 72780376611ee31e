"""What a local policy needs of whatever samples for it, and the choice among those that there are.

transformers   the model itself, in this process: exact, on any device (`policies/engine.py`)
llamacpp       a quantised export of it by llama.cpp, in this process, for a CPU (`policies/llamacpp.py`)
vllm           vLLM in this process, for a GPU (`policies/vllm_engine.py`)
vllm:URL       a vLLM server (`policies/vllm_server.py`)

Of each: token ids in, token ids out, with the log-probability of each under the distribution that it was drawn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from journeyman.envs.actions import TokenTurn
from journeyman.policies.batch import Sampling
from journeyman.policies.engine import Engine
from journeyman.policies.local_settings import SAMPLERS, LocalSettings
from journeyman.policies.models import ModelError, model_path
from journeyman.policies.vllm_engine import VllmEngine
from journeyman.policies.vllm_server import VllmServer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class SamplerLane(Protocol):
    """One conversation. Use it from one thread at a time."""

    def generate(self, prompt_ids: Sequence[int], sampling: Sampling) -> TokenTurn:
        """Append `prompt_ids` to the conversation and sample the model's turn.

        Raises:
            PolicyError: sampling failed.
        """
        ...

    def close(self) -> None:
        """Give the conversation's memory back. Idempotent."""
        ...


class Sampler(Protocol):
    """A model that samples for many conversations at once. Thread-safe."""

    @property
    def version(self) -> str:
        """What samples, and from weights of which precision, for an episode's record."""
        ...

    def open_lane(self, seed: int) -> SamplerLane:
        """Begin a conversation; one seed gives the same tokens again (alone: in company, rounding differs)."""
        ...

    def refresh(self, model: PreTrainedModel) -> None:
        """Sample with this model's weights from now on.

        Raises:
            PolicyError: a conversation is open; it would go on with other weights than it began with.
        """
        ...

    def close(self) -> None:
        """Whoever still waits gets a `PolicyError`. Idempotent."""
        ...


def open_sampler(
    model: PreTrainedModel | None,
    tokenizer: PreTrainedTokenizerBase,
    settings: LocalSettings,
    *,
    name: str,
    eos_id: int,
    max_batch: int,
) -> Sampler:
    """The sampler that the settings name.

    Args:
        model: None where the sampler has the weights by itself: vLLM, of the model of that name.

    Raises:
        ModelError: there is no such sampler, what it needs is not installed, or it cannot sample from this model.
    """
    kind, _, url = settings.sampler.partition(":")
    if kind == "vllm":
        return _open_vllm(model, settings, url, name, eos_id, max_batch)
    if settings.sampler not in SAMPLERS or model is None:
        raise ModelError(f"no sampler {settings.sampler!r}; there are: {', '.join(SAMPLERS)} and vllm:URL")
    if settings.sampler == "transformers":
        return Engine(model, eos_id, max_batch=max_batch)
    from journeyman.policies.llamacpp import LlamaCppEngine

    return LlamaCppEngine(
        model,
        tokenizer,
        eos_id,
        quantization=settings.quantization,
        conversation_tokens=settings.max_episode_tokens,
        max_batch=max_batch,
    )


def _open_vllm(
    model: PreTrainedModel | None, settings: LocalSettings, url: str, name: str, eos_id: int, max_batch: int
) -> Sampler:
    sampler: VllmServer | VllmEngine
    if url:
        sampler = VllmServer(url, eos_id)
    else:
        source = model_path(name) if model is None else str(model.name_or_path)
        sampler = VllmEngine(
            source, eos_id, conversation_tokens=settings.max_episode_tokens, max_batch=max_batch,
            gpu_memory_share=settings.gpu_memory_share,
        )  # fmt: skip
    if model is not None:  # it may have learned since it was loaded
        try:
            sampler.refresh(model)
        except BaseException:
            sampler.close()
            raise
    return sampler
