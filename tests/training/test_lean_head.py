"""The head is asked about some tokens alone, and answers as the whole model does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    CohereConfig,
    CohereForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    NemotronConfig,
    NemotronForCausalLM,
)

from journeyman.training.lean_head import logits_before
from journeyman.training.shared_prefix import logits_before_shared

SMALL: dict[str, Any] = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
MODELS: dict[str, Callable[[], Any]] = {
    "nothing comes after the head": lambda: LlamaForCausalLM(LlamaConfig(**SMALL)),
    "logits are divided": lambda: GraniteForCausalLM(GraniteConfig(**SMALL, logits_scaling=8.0)),
    "logits are multiplied": lambda: CohereForCausalLM(CohereConfig(**SMALL)),
    "attention is told nothing": lambda: NemotronForCausalLM(NemotronConfig(**SMALL)),
    "logits are capped": lambda: Gemma2ForCausalLM(Gemma2Config(**SMALL, head_dim=8, final_logit_softcapping=0.1)),
}


def adapted(model: Any) -> Any:
    return get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False))


def learnt(model: Any, logits_N_V: torch.Tensor, tokens_N: torch.Tensor) -> dict[str, torch.Tensor]:
    """The gradient of these tokens' log-probability."""
    model.zero_grad()
    torch.log_softmax(logits_N_V, dim=-1).gather(1, tokens_N[:, None]).sum().backward()  # type: ignore[no-untyped-call]
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("change", [lambda model: model, adapted], ids=["whole", "LoRA"])
@pytest.mark.parametrize("way", [logits_before, logits_before_shared])
@pytest.mark.parametrize("name", MODELS)
def test_logits_and_gradients_are_those_of_the_whole_model(
    name: str, way: Callable[..., torch.Tensor], change: Callable[[Any], Any]
) -> None:
    torch.manual_seed(0)
    model = change(MODELS[name]()).eval()
    ids_B_S = torch.randint(3, 64, (3, 12))
    ids_B_S[1:, :6] = ids_B_S[0, :6]  # a group's prompt
    inputs = {"input_ids": ids_B_S, "attention_mask": torch.ones_like(ids_B_S)}
    chosen_B_S = torch.zeros_like(ids_B_S, dtype=torch.bool)
    chosen_B_S[:, 8:] = chosen_B_S[0, 7] = True
    tokens_N = ids_B_S[chosen_B_S]
    expected_N_V = model(**inputs).logits[:, :-1][chosen_B_S[:, 1:]]
    expected = learnt(model, expected_N_V, tokens_N)
    found_N_V = way(model, chosen_B_S, **inputs)
    torch.testing.assert_close(found_N_V, expected_N_V, atol=1e-5, rtol=1e-4)
    found = learnt(model, found_N_V, tokens_N)
    assert found.keys() == expected.keys()
    for part, gradient in expected.items():
        torch.testing.assert_close(found[part], gradient, atol=1e-5, rtol=1e-3)
    assert model(**inputs).logits.shape == (3, 12, 64), "it answers about all tokens again"


def test_a_model_that_fails_answers_about_all_tokens_afterwards() -> None:
    model = MODELS["logits are divided"]().eval()
    ids_B_S = torch.randint(3, 64, (2, 6))
    with pytest.raises(IndexError):
        logits_before(model, torch.ones(2, 7, dtype=torch.bool), input_ids=ids_B_S)
    assert model(input_ids=ids_B_S).logits.shape == (2, 6, 64)
