"""Small models whose predictions are spread as a trained model's are, so that a wrong export shows."""

from __future__ import annotations

from typing import Any

import torch


def spread_model(kind: str, *, tied: bool = True, seed: int = 0) -> Any:
    """A model of `kind` for the tokenizer of `tiny`, with random but large weights: likely and unlikely tokens."""
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

    kinds: dict[str, tuple[Any, Any]] = {
        "llama": (LlamaConfig, LlamaForCausalLM),
        "qwen2": (Qwen2Config, Qwen2ForCausalLM),
        "qwen3": (Qwen3Config, Qwen3ForCausalLM),
    }
    config_of, model_of = kinds[kind]
    more = {"head_dim": 32} if kind == "qwen3" else {}
    config = config_of(
        vocab_size=320, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=1024, tie_word_embeddings=tied, initializer_range=0.12,
        rope_parameters={"rope_type": "default", "rope_theta": 50_000.0}, rms_norm_eps=1e-5,
        bos_token_id=1, eos_token_id=2, pad_token_id=0, **more,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = model_of(config)
    for name, values in model.named_parameters():
        if values.ndim == 1:  # norms and biases, which a new model has at 1 and 0: they must find their places too
            torch.nn.init.normal_(values, mean=0.0 if name.endswith("bias") else 1.0, std=0.2)
    return model.eval()
