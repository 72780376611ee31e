"""The weights of a model in training, as those who play with it or keep it want them: whole, by the names that they
have without adapters, these merged in.

Of several processes that train one model each may hold but a part of every weight (FSDP 2). What is whole is then put
together from all of them, so all of them must ask for it, and for the same things in the same order.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, cast

import torch

from journeyman.policies.models import computes_in_bfloat16
from journeyman.policies.rounding import in_bfloat16, to_bfloat16

_WRAPPER = "base_model.model."
"""What PEFT puts before the names of what it adapts."""
_ADAPTED = ".base_layer"
_DOWN, _UP = ".lora_A.default.weight", ".lora_B.default.weight"


def to_act(model: Any) -> Any:
    """A model in training as it acts: in bfloat16 where the machine computes in that, and whole, so a copy if it has
    other weights or parts of them; else itself."""
    as_it_is = model.dtype == torch.bfloat16 or (model.device.type == "cpu" and not computes_in_bfloat16())
    if as_it_is and not _is_sharded(model):
        return model
    acting = _plain_copy(model)
    if not as_it_is:
        to_bfloat16(acting)
    return acting


def _plain_copy(model: Any) -> Any:
    """A model in training as one that nobody trains: whole, adapters merged in, nothing of accelerate's or PEFT's on
    it."""
    if _is_sharded(model):
        return _put_together(model)
    plain = copy.deepcopy(model)
    # What they put there would cast all weights at every token, or run those of the original.
    for module in plain.modules():
        for name in ("forward", "_original_forward"):
            module.__dict__.pop(name, None)
    if hasattr(plain, "merge_and_unload"):  # adapters would be computed apart at every token
        plain = merged(plain)
    return plain


def merged(model: Any) -> Any:
    """A model with its adapters put into its weights, which keep their type; it is used up."""
    is_bfloat16 = model.dtype == torch.bfloat16
    plain = (model.float() if is_bfloat16 else model).merge_and_unload()
    if is_bfloat16:
        to_bfloat16(plain)
    return plain


def _is_sharded(model: Any) -> bool:
    """Whether this process holds but a part of the weights."""
    return any(hasattr(weight, "full_tensor") for weight in model.parameters())


def whole_weights(model: Any, *, rounded: bool = False) -> Iterator[tuple[str, torch.Tensor]]:
    """One after the other, tied ones once. The model stays as it is.

    Args:
        rounded: to bfloat16 by chance (policies/rounding.py), for whoever would round them to the nearest.
    """
    for name, weight, adapter in _weights(model):
        whole, dtype = _whole(weight), _form(weight, rounded)
        if adapter is not None:
            down, up, scale = adapter
            whole = whole.float() + scale * (_whole(up).float() @ _whole(down).float())
        yield name, in_bfloat16(whole, name) if dtype == torch.bfloat16 else whole.to(dtype)


def weight_forms(model: Any, *, rounded: bool = False) -> Iterator[tuple[str, torch.dtype, list[int]]]:
    """The name, type and shape of each of `whole_weights`. Nothing is put together for it."""
    return ((name, _form(weight, rounded), list(weight.shape)) for name, weight, _ in _weights(model))


def _form(weight: Any, rounded: bool) -> torch.dtype:
    dtype: torch.dtype = weight.dtype
    return torch.bfloat16 if rounded and dtype in (torch.float32, torch.float16) else dtype


def _weights(model: Any) -> Iterator[tuple[str, Any, tuple[Any, Any, float] | None]]:
    """As `whole_weights`, but as they lie, each with what is to be merged into it: LoRA's two matrices and how much of
    their product."""
    found, seen = model.state_dict(keep_vars=True), set()
    for key, weight in found.items():
        layer, is_adapted, rest = key.partition(_ADAPTED)
        if ".lora_" in key or id(weight) in seen:
            continue
        seen.add(id(weight))
        adapter = None
        if is_adapted and rest == ".weight" and f"{layer}{_DOWN}" in found:
            lora = model.peft_config["default"]
            adapter = found[f"{layer}{_DOWN}"], found[f"{layer}{_UP}"], lora.lora_alpha / lora.r
        yield (layer + rest).removeprefix(_WRAPPER), weight, adapter


def _whole(weight: Any) -> torch.Tensor:
    weight = weight.detach()
    return cast("torch.Tensor", weight.full_tensor() if hasattr(weight, "full_tensor") else weight)


def _put_together(model: Any) -> Any:
    from accelerate import init_empty_weights
    from transformers import AutoModelForCausalLM

    config = copy.deepcopy((model.get_base_model() if hasattr(model, "peft_config") else model).config)
    with init_empty_weights(include_buffers=False):
        plain: Any = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    plain.load_state_dict(dict(whole_weights(model)), strict=False, assign=True)
    plain.tie_weights()
    return plain.to(model.device).requires_grad_(False).eval()
