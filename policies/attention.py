"""Attention for sampling: query heads that share keys and values are one longer query, and nothing is copied.

With grouped-query attention (Ainslie et al. 2023, arXiv:2305.13245) several query heads read the same keys and values.
Where a mask is given and several tokens are read at once, transformers copies both for each query head
(`repeat_kv`), which for a turn late in a long conversation costs as much as the attention itself. Here the heads of a
group stand behind each other along the query's positions instead: the same products, sums and rounding.

Dimension suffixes: B rows, H query heads, K heads of keys and values, G query heads that share one, T new positions,
S positions in the cache, D head size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

_GROUPED = "journeyman_grouped"
"""The name by which transformers finds `_attend`."""


@contextmanager
def grouped_attention(model: Any) -> Iterator[None]:
    """Let the model attend so meanwhile, where its attention is transformers' "sdpa". Nobody else may run it then."""
    config = model.config
    before = config._attn_implementation
    if before == "sdpa" and getattr(model, "_supports_attention_backend", False):
        config._attn_implementation = _GROUPED
    try:
        yield
    finally:
        config._attn_implementation = before


def _attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """As `sdpa_attention_forward`: (B, T, H, D) of a query (B, H, T, D), keys and values (B, K, S, D)."""
    rows, heads, new, size = query.shape
    group = heads // key.shape[1]
    if group == 1 or new == 1 or attention_mask is None or attention_mask.shape[1] != 1:
        attended, weights = sdpa_attention_forward(module, query, key, value, attention_mask, **options)
        return attended, weights
    attended_B_K_GT_D = torch.nn.functional.scaled_dot_product_attention(
        query.reshape(rows, heads // group, group * new, size),
        key,
        value,
        attn_mask=attention_mask.repeat(1, 1, group, 1),
        scale=options.get("scaling"),
    )
    return attended_B_K_GT_D.reshape(rows, heads, new, size).transpose(1, 2).contiguous(), None


AttentionInterface.register(_GROUPED, _attend)
