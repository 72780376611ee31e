"""What was learned is not rounded away: a weight becomes one of its two neighbours, and on average what it was."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model

from journeyman.policies import models
from journeyman.policies.models import load_model
from journeyman.policies.rounding import in_bfloat16, to_bfloat16
from journeyman.policies.weights import merged, whole_weights
from tests.policies.spread import spread_model

FLOATS = st.floats(width=32, min_value=-(2.0**100), max_value=2.0**100, allow_subnormal=False)


@given(st.lists(FLOATS, min_size=1, max_size=50))
def test_a_weight_becomes_one_of_its_neighbours_and_keeps_what_it_can_be(numbers: list[float]) -> None:
    exact = torch.tensor(numbers)
    rounded = in_bfloat16(exact, "a").float()
    assert ((rounded - exact).abs() <= exact.abs() * 2.0**-7).all()
    assert torch.equal(in_bfloat16(rounded, "b").float(), rounded)
    assert torch.equal(in_bfloat16(exact, "a").float(), rounded), "the same each time"


def test_on_average_it_is_what_it_was() -> None:
    exact = torch.full((200_000,), 1 + 2.0**-10)  # an eighth of the way to the next one
    assert exact.bfloat16().float().mean() == 1
    assert in_bfloat16(exact, "a").float().mean().item() == pytest.approx(1 + 2.0**-10, abs=2e-5)
    assert not torch.equal(in_bfloat16(exact, "a"), in_bfloat16(exact, "b"))


def test_what_is_no_number_stays_none() -> None:
    odd = torch.tensor([torch.inf, -torch.inf, torch.nan, 0.0, -0.0])
    assert torch.equal(in_bfloat16(odd, "a").nan_to_num(7), odd.bfloat16().nan_to_num(7))
    whole = torch.ones(3, dtype=torch.int64)
    assert in_bfloat16(whole, "a") is whole


def _moved(model: Any, by: float) -> Any:
    """A model all of whose weights were learned upon, by less than bfloat16 tells apart."""
    other = copy.deepcopy(model).float()
    with torch.no_grad():
        for weight in other.parameters():
            weight += by * weight.abs()
    return other


def _gone(before: Any, after: Any) -> float:
    """How far the weights went, in parts of their size."""
    pairs = list(zip(before.parameters(), after.parameters(), strict=True))
    way = sum((new.double() - old.double()).sum().item() for old, new in pairs)
    return way / sum(old.double().abs().sum().item() for old, _ in pairs)


def test_a_model_that_is_loaded_to_act_acts_with_what_it_learned(
    tmp_path: Path, tiny: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "computes_in_bfloat16", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    hub = copy.deepcopy(tiny[0]).bfloat16()
    learned = _moved(hub, 1e-3)
    assert _gone(hub, copy.deepcopy(learned).bfloat16()) == 0, "rounded to the nearest it never learned"
    learned.save_pretrained(tmp_path)
    tiny[1].save_pretrained(tmp_path)
    acting, _ = load_model(str(tmp_path))
    assert acting.dtype == torch.bfloat16
    assert _gone(hub, acting) == pytest.approx(1e-3, rel=0.1)
    copied = copy.deepcopy(learned)
    to_bfloat16(copied)
    assert all(torch.equal(a, b) for a, b in zip(copied.parameters(), acting.parameters(), strict=True))


def test_adapters_over_bfloat16_are_merged_with_what_they_learned() -> None:
    hub: Any = spread_model("qwen2").bfloat16()
    before = copy.deepcopy(hub)
    model: Any = get_peft_model(hub, LoraConfig(target_modules="all-linear", init_lora_weights=False))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight *= 1e-3
    layer = "model.layers.0.mlp.up_proj"
    lora = model.get_submodule("base_model.model." + layer)
    exact = (lora.get_delta_weight("default").double()).flatten()
    for after in (dict(whole_weights(model)), dict(merged(copy.deepcopy(model)).named_parameters())):
        gone = (after[layer + ".weight"].double() - before.get_submodule(layer).weight.double()).flatten()
        assert after[layer + ".weight"].dtype == torch.bfloat16
        assert (gone @ exact / (exact @ exact)).item() == pytest.approx(1, abs=0.35)
