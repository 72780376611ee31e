"""What llama.cpp computes from an export is what transformers computes from the model."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("xllamacpp", reason="llama.cpp is not installed: pip install 'journeyman[llamacpp]'")

from journeyman.policies.gguf_export import ARCHITECTURES, check_exportable, export_gguf
from journeyman.policies.llama_library import LlamaContext
from journeyman.policies.models import ModelError
from tests.policies.spread import spread_model

PROMPTS = ("What is this?", "def f(x):\n    return", "Grüße")


def read(path: Path, ids: list[int], *, exact: bool = False) -> torch.Tensor:
    """llama.cpp's log-probabilities after each token, (T, V)."""
    context = LlamaContext(path, sequences=1, sequence_tokens=512, threads=1, exact=exact)
    logits_T_V = context.read([(id_, at, 0) for at, id_ in enumerate(ids)], range(len(ids)))
    context.close()
    return torch.log_softmax(logits_T_V, dim=-1)


def compute(model: Any, ids: list[int]) -> torch.Tensor:
    """transformers' likewise."""
    with torch.no_grad():
        return torch.log_softmax(model(torch.tensor([ids])).logits[0].float(), dim=-1)


def greedy(logprobs_of: Any, ids: list[int], count: int) -> list[int]:
    ids = list(ids)
    for _ in range(count):
        ids.append(int(logprobs_of(ids)[-1].argmax()))
    return ids


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
@pytest.mark.parametrize("tied", [True, False])
def test_greedy_tokens_are_those_of_the_model(tiny: tuple[Any, Any], tmp_path: Path, kind: str, tied: bool) -> None:
    _, tokenizer = tiny
    model = spread_model(kind, tied=tied)
    for quantization, torn in (("f32", 0.001), ("f16", 0.05)):
        path = tmp_path / f"{quantization}.gguf"
        export_gguf(model, tokenizer, path, quantization=quantization)
        for prompt in PROMPTS:
            ids = tokenizer(prompt)["input_ids"]
            whole = greedy(lambda ids: compute(model, ids), ids, 12)
            # One pass over all of it: the likeliest token at every place is the one that the model chose, but where it
            # was torn between two by less than rounding makes.
            best_T_2 = compute(model, whole[:-1]).topk(2, dim=-1).values[len(ids) - 1 :]
            decided = best_T_2[:, 0] - best_T_2[:, 1] > torn
            chosen = read(path, whole[:-1], exact=quantization == "f32").argmax(dim=-1)[len(ids) - 1 :]
            assert chosen[decided].tolist() == torch.tensor(whole[len(ids) :])[decided].tolist()
            assert decided.sum() >= 9, "hardly anything was decided"


@pytest.mark.parametrize(("quantization", "bound"), [("f32", 0.001), ("f16", 0.04), ("q8_0", 0.4)])
def test_log_probabilities_are_near(tiny: tuple[Any, Any], tmp_path: Path, quantization: str, bound: float) -> None:
    _, tokenizer = tiny
    model, path = spread_model("llama"), tmp_path / "model.gguf"
    export_gguf(model, tokenizer, path, quantization=quantization)
    ids = tokenizer("Say something longer than the others do, please.")["input_ids"]
    expected, found = compute(model, ids), read(path, ids, exact=quantization == "f32")
    # By what is likely: where the model gives a token a chance, the export gives it much the same.
    likely = expected > -6
    assert 0 < float((found - expected)[likely].abs().max()) < bound


def test_adapters_are_merged_and_the_model_stays_as_it_is(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    _, tokenizer = tiny
    plain = spread_model("qwen2")
    adapted: Any = get_peft_model(
        copy.deepcopy(plain), LoraConfig(target_modules="all-linear", init_lora_weights=False)
    )
    adapted.eval()
    export_gguf(adapted, tokenizer, tmp_path / "model.gguf", quantization="f32")
    ids = tokenizer("What is this?")["input_ids"]
    found = read(tmp_path / "model.gguf", ids, exact=True)
    assert torch.allclose(found, compute(adapted, ids), atol=0.001)
    assert not torch.allclose(found, compute(plain, ids), atol=0.5)
    assert any("lora" in name for name, _ in adapted.named_parameters())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "gpt2"}, "llama, qwen2, qwen3"),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4}}, "rope of type llama3"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "sliding_attention"),
        ({"hidden_act": "gelu"}, "gelu"),
    ],
)
def test_what_llama_cpp_would_compute_otherwise_is_refused(change: dict[str, Any], words: str) -> None:
    config = copy.deepcopy(spread_model("llama").config)
    for name, value in change.items():
        setattr(config, name, value)
    with pytest.raises(ModelError, match=words):
        check_exportable(config)


def test_a_refused_export_leaves_nothing(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    _, tokenizer = tiny
    model = spread_model("llama")
    model.register_parameter("odd", torch.nn.Parameter(torch.zeros(2)))
    with pytest.raises(ModelError, match="odd"):
        export_gguf(model, tokenizer, tmp_path / "model.gguf")
    with pytest.raises(ModelError, match="q8_0, f16, f32"):
        export_gguf(spread_model("llama"), tokenizer, tmp_path / "model.gguf", quantization="q3")
    assert not list(tmp_path.iterdir())
