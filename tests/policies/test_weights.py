"""The weights of a model in training: whole, adapters merged, and the model stays as it is. (Parts that several
processes hold: tests/training/test_processes.py.)"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from peft import LoraConfig, get_peft_model

from journeyman.policies import weights
from journeyman.policies.weights import weight_forms, whole_weights
from tests.policies.spread import spread_model


@pytest.mark.parametrize("layers", ["all-linear", ["q_proj"]])
def test_adapters_are_merged_as_peft_merges_them(layers: Any) -> None:
    model: Any = get_peft_model(spread_model("qwen2"), LoraConfig(target_modules=layers, init_lora_weights=False))
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    expected = dict(copy.deepcopy(model).merge_and_unload().named_parameters())
    found = dict(whole_weights(model))
    assert found.keys() == expected.keys(), "tied ones once"
    assert all(torch.allclose(found[name], expected[name], atol=1e-5) for name in expected)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.named_parameters())
    assert list(weight_forms(model)) == [(name, tensor.dtype, list(tensor.shape)) for name, tensor in found.items()]


@pytest.fixture
def _nothing_accelerated() -> Iterator[None]:
    """The process's accelerator is as if nobody had made one before, nor will find this one after."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("_nothing_accelerated")
def test_a_model_in_training_acts_in_what_the_processor_computes_in(
    tiny: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny[0]
    monkeypatch.setattr(weights, "computes_in_bfloat16", lambda: False)
    assert weights.to_act(model) is model
    monkeypatch.setattr(weights, "computes_in_bfloat16", lambda: True)
    Accelerator(mixed_precision="bf16", cpu=True).prepare_model(model)
    acting = weights.to_act(model)
    ids = torch.tensor([[1, 2, 3]])
    assert acting.dtype == torch.bfloat16 and acting(ids).logits.dtype == torch.bfloat16
    assert model.dtype == torch.float32, "what is trained keeps its small steps"
    assert {buffer.dtype for buffer in acting.buffers()} == {torch.float32}, (
        "positions are as exact as in a loaded model"
    )
    assert torch.allclose(acting(ids).logits.float(), model(ids).logits, atol=0.05)
