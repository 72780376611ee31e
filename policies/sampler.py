"""What a local policy needs of whatever samples for it, and the choice among those that there are.

transformers   the model itself, in this process: exact, on any device (`policies/engine.py`)
llamacpp       a quantised export of it by llama.cpp, in this process: fast on a CPU (`policies/llamacpp.py`)

Of each: token ids in, token ids out, with the log-probability of each under the distribution that it was drawn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from journeyman.envs.actions import TokenTurn
from journeyman.policies.batch import Sampling
from journeyman.policies.engine import Engine
from journeyman.policies.local_settings import SAMPLERS, LocalSettings
from journeyman.policies.models import ModelError

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
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, settings: LocalSettings, *, eos_id: int, max_batch: int
) -> Sampler:
    """The sampler that the settings name.

    Raises:
        ModelError: there is none of that name, what it needs is not installed, or it cannot sample from this model.
    """
    if settings.sampler == "transformers":
        return Engine(model, eos_id, max_batch=max_batch)
    if settings.sampler == "llamacpp":
        from journeyman.policies.llamacpp import LlamaCppEngine

        return LlamaCppEngine(
            model,
            tokenizer,
            eos_id,
            quantization=settings.quantization,
            conversation_tokens=settings.max_episode_tokens,
            max_batch=max_batch,
        )
    raise ModelError(f"no sampler {settings.sampler!r}; there are: {', '.join(SAMPLERS)}")
