"""Weights in bfloat16, so that what was learned is not rounded away.

A number of bfloat16 has eight bits: the next one to 0.02 is 0.6% away. What fine-tuning moves a weight by is mostly
less than half of that, and a model from a hub stands exactly on such numbers. So rounded to the nearest one it is what
it was before it learned, and whoever acts with it acts as before. Here a weight becomes the upper or the lower one of
its two neighbours, by chance, the nearer one the more often: then sums over many weights, which is all that a layer
computes, are right on average (stochastic rounding: Gupta et al. 2015, arXiv:1502.02551; for bfloat16 Zamirai et al.
2020, arXiv:2010.06192). `python benchmarks/rounding.py` shows how much is kept.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def to_bfloat16(model: Any, device: str | None = None) -> None:
    """Round a model's weights, in place; on that device, where one is given, and they stay there. What else it holds,
    as the angles that positions are turned by, stays exact."""
    for name, weight in model.named_parameters():
        weight.data = in_bfloat16(weight.data if device is None else weight.data.to(device), name)


def in_bfloat16(weight: torch.Tensor, name: str) -> torch.Tensor:
    """A float32 (or float16) tensor rounded; any other as it is.

    What is a number of bfloat16 stays that. The chance is the same each time for the same `name`, shape and kind of
    device, so a model that acts while it learns differs from step to step by what it learned alone.
    """
    import torch

    if weight.dtype not in (torch.float32, torch.float16):
        return weight
    exact = weight.float().contiguous()
    chance = torch.Generator(exact.device).manual_seed(zlib.crc32(name.encode()))
    below = torch.randint(1 << 16, exact.shape, dtype=torch.int32, device=exact.device, generator=chance)
    rounded = ((exact.view(torch.int32) + below) & -(1 << 16)).view(torch.float32)
    return torch.where(exact.isfinite(), rounded, exact).bfloat16()
