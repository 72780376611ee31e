"""The language head over some tokens alone: of an episode a model wrote one token in ten, and a vocabulary is wide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def logits_before(model: Any, chosen_B_S: torch.Tensor, **inputs: Any) -> torch.Tensor:
    """What the model predicts for the chosen tokens: logits (N, V) in float32, rows in order.

    Only in one process: what keeps several together knows nothing of the tokens that are left out.

    Args:
        model: a causal language model, with adapters or without.
        chosen_B_S: which tokens, as booleans; a row's first token has nothing before it.
        inputs: the model's, such as `input_ids` (B, S) and `attention_mask`.
    """
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    return logits_of(causal, lambda read_B_S_D: read_B_S_D[:, :-1][chosen_B_S[:, 1:]], **inputs)


def logits_of(causal: Any, pick: Callable[[torch.Tensor], torch.Tensor], **inputs: Any) -> torch.Tensor:
    """The model's own logits (N, V), in float32, of what `pick` takes, (N, D), from what its decoder read, (B, S, D).

    The model runs as it always does, but its decoder passes on these tokens alone. So whatever it does with its logits
    after the head is done here too: Granite and Cohere scale them, Gemma 2 caps them.

    Nobody else may run the model meanwhile.
    """

    def pass_on(module: Any, args: Any, output: Any) -> Any:
        output.last_hidden_state = pick(output.last_hidden_state)[None]
        return output

    hook = causal.get_decoder().register_forward_hook(pass_on)
    try:
        logits_N_V: torch.Tensor = causal(**inputs, use_cache=False).logits[0]
    finally:
        hook.remove()
    return logits_N_V.float()
