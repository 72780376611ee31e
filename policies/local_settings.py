"""How a local model talks and samples: apart from the model, so that presets can be read without loading torch."""

from __future__ import annotations

from dataclasses import dataclass

TRANSFORMERS = "transformers"
SAMPLERS = (TRANSFORMERS, "llamacpp", "vllm")
"""What can sample for a local model, besides a vLLM server as "vllm:URL": see docs/samplers.md."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """How a local model talks and samples."""

    dialect: str = "lines"
    """How tool calls are written: "lines" (compact, for small models) or "json"."""
    temperature: float = 0.0
    max_turn_tokens: int = 96
    """Cap of one action, in tokens."""
    max_episode_tokens: int = 1536
    """Cap of the whole conversation, in tokens; reaching it ends the episode with `token_limit`."""
    sampler: str = "transformers"
    """What samples: one of `SAMPLERS`, or "vllm:URL"."""
    gpu_memory_share: float = 0.3
    """Of the GPU's memory, for a vLLM in this process; the rest is the trainer's."""
    quantization: str = "q8_0"
    """Of llamacpp's export: "q8_0", "f16" or "f32"."""
