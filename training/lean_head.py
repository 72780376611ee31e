"""The language head over some tokens alone: of an episode a model wrote one token in ten, and a vocabulary is wide."""

from __future__ import annotations

from typing import Any

import torch


def logits_before(model: Any, chosen_B_S: torch.Tensor, **inputs: Any) -> torch.Tensor:
    """What the model predicts for the chosen tokens: logits (N, V) in float32, rows in order.

    Only in one process: the decoder alone goes past what keeps several together.

    Args:
        model: a causal language model, with adapters or without.
        chosen_B_S: which tokens, as booleans; a row's first token has nothing before it.
        inputs: the decoder's, such as `input_ids` (B, S) and `attention_mask`.
    """
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    read_B_S_D = causal.get_decoder()(**inputs, use_cache=False).last_hidden_state
    logits_N_V: torch.Tensor = causal.get_output_embeddings()(read_B_S_D[:, :-1][chosen_B_S[:, 1:]])
    return logits_N_V.float()
