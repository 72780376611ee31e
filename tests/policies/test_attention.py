"""Heads that share keys and values are one longer query: the same attention, and nobody else's model is changed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from journeyman.policies.attention import _attend, grouped_attention


@pytest.mark.parametrize("new", [1, 5])
@pytest.mark.parametrize("heads", [2, 4, 6])
def test_it_is_what_transformers_gives(heads: int, new: int) -> None:
    torch.manual_seed(0)
    module = nn.Module()
    module.num_key_value_groups = heads // 2  # type: ignore[assignment]
    query, key, value = (torch.randn(3, count, length, 8) for count, length in ((heads, new), (2, 9), (2, 9)))
    mask = torch.zeros(3, 1, new, 9).masked_fill(torch.rand(3, 1, new, 9) < 0.3, torch.finfo(torch.float32).min)
    plain = sdpa_attention_forward(module, query, key, value, mask, scaling=0.4)[0]
    torch.testing.assert_close(_attend(module, query, key, value, mask, scaling=0.4)[0], plain)


def test_the_model_is_given_back_as_it_was(tiny: tuple[Any, Any]) -> None:
    model, tokenizer = tiny
    ids = torch.tensor([tokenizer("what of this is read twice?").input_ids] * 2)
    before = model.config._attn_implementation
    assert before == "sdpa"
    with torch.no_grad():
        plain = model(ids).logits
        with grouped_attention(model):
            assert model.config._attn_implementation != before
            torch.testing.assert_close(model(ids).logits, plain)
    assert model.config._attn_implementation == before
    model.config._attn_implementation = "eager"
    try:
        with grouped_attention(model):
            assert model.config._attn_implementation == "eager"
    finally:
        model.config._attn_implementation = before
