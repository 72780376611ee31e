"""What rows begin with in common is computed once, and nobody can tell by the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from transformers import Qwen2Config, Qwen2ForCausalLM

from journeyman.policies.models import load_model
from journeyman.training.lean_head import logits_before
from journeyman.training.shared_prefix import count_tokens, logits_before_shared, pack

Rows = Sequence[tuple[list[int], list[int]]]
"""Of each: the prompt, and what comes after it, of which a part is chosen."""


def llama() -> Any:
    return load_model("tiny", to_train=True)[0]


def qwen() -> Any:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=259, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=True,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config)
    for name, weights in model.named_parameters():
        if name.endswith("bias"):  # as they are made they are 0, and hide mistakes
            torch.nn.init.normal_(weights)
    return model


def with_adapters(make: Callable[[], Any]) -> Any:
    torch.manual_seed(1)
    # Adapters begin with a factor of 0, which would hide the other one's gradient.
    lora = LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=False)
    return get_peft_model(make(), lora)


MODELS: dict[str, Callable[[], Any]] = {
    "llama": llama,
    "qwen2": qwen,
    "llama with LoRA": lambda: with_adapters(llama),
    "qwen2 with LoRA": lambda: with_adapters(qwen),
}


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    return {name: make().train() for name, make in MODELS.items()}


def batch(rows: Rows) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """As a trainer pads: prompts at the left, completions at the right. Every third token of those is the tool's."""
    widest, longest = (max(len(row[part]) for row in rows) for part in (0, 1))
    ids = torch.zeros(len(rows), widest + longest, dtype=torch.long)
    read, chosen = torch.zeros_like(ids), torch.zeros_like(ids, dtype=torch.bool)
    for number, (prompt, completion) in enumerate(rows):
        columns = slice(widest - len(prompt), widest + len(completion))
        ids[number, columns] = torch.tensor([*prompt, *completion])
        read[number, columns] = 1
        chosen[number, widest : widest + len(completion)] = torch.tensor([at % 3 != 1 for at in range(len(completion))])
    return chosen, {"input_ids": ids, "attention_mask": read}


def learnt(way: Callable[..., torch.Tensor], model: Any, rows: Rows) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The chosen tokens' log-probabilities, and the gradient of a loss in which each row has a weight of its own."""
    chosen, inputs = batch(rows)
    model.zero_grad()
    logits_N_V = way(model, chosen, **inputs)
    tokens_N = inputs["input_ids"][:, 1:][chosen[:, 1:]]
    logprobs_N = torch.log_softmax(logits_N_V, dim=-1).gather(1, tokens_N[:, None])[:, 0]
    advantages_B_1 = torch.linspace(-1, 1.5, len(rows))[:, None]
    (logprobs_N * advantages_B_1.expand(chosen.shape)[chosen]).sum().backward()  # type: ignore[no-untyped-call]
    return logits_N_V.detach(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_the_same(model: Any, rows: Rows) -> None:
    logits, gradients = learnt(logits_before_shared, model, rows)
    expected_logits, expected = learnt(logits_before, model, rows)
    torch.testing.assert_close(logits, expected_logits, atol=1e-4, rtol=1e-4)
    assert gradients.keys() == expected.keys()
    largest = max(float(gradient.abs().max()) for gradient in expected.values())
    for name, gradient in expected.items():
        torch.testing.assert_close(gradients[name], gradient, atol=1e-5 * largest, rtol=1e-3)


def ids(start: int, count: int) -> list[int]:
    return [3 + (start * 37 + at * 11) % 250 for at in range(count)]


SYSTEM = ids(1, 9)
CASES: dict[str, Rows] = {
    "a group": [(ids(2, 20), ids(number, 5 + 3 * number)) for number in range(4)],
    "two groups with the same system prompt": [
        ([*SYSTEM, *ids(2 + number // 2, 12 + 4 * (number // 2))], ids(number, 9 - number)) for number in range(4)
    ],
    "no common beginning": [(ids(number, 6 + number), ids(number + 9, 7)) for number in range(3)],
    "all the same": [(ids(5, 8), ids(6, 8))] * 3,
    "one goes on where another ends": [(ids(5, 8), ids(6, 4)), (ids(5, 8), ids(6, 11)), (ids(5, 8), ids(7, 2))],
    "one row": [(ids(5, 8), ids(6, 8))],
    "one with a single token": [(ids(5, 3), ids(6, 1)), (ids(5, 3), ids(7, 6))],
}


@pytest.mark.parametrize("rows", CASES.values(), ids=CASES)
@pytest.mark.parametrize("name", MODELS)
def test_logits_and_gradients_are_those_of_the_plain_pass(models: dict[str, Any], name: str, rows: Rows) -> None:
    assert_the_same(models[name], rows)


@pytest.mark.slow
@settings(max_examples=40)
@given(data=st.data())
def test_however_rows_split(models: dict[str, Any], data: st.DataObject) -> None:
    few = st.integers(3, 5)  # few different tokens, so that beginnings are often the same
    prompts = data.draw(st.lists(st.lists(few, min_size=1, max_size=6), min_size=1, max_size=3), label="prompts")
    rows = data.draw(
        st.lists(st.tuples(st.sampled_from(prompts), st.lists(few, min_size=1, max_size=6)), min_size=1, max_size=5),
        label="rows",
    )
    assert_the_same(models["qwen2"], rows)
    chosen, inputs = batch(rows)
    # A row is read up to its last chosen token; beginnings that are the same count once.
    read = []
    for prompt, completion in rows:
        last = max(at for at in range(len(completion)) if at % 3 != 1)
        read.append(tuple([*prompt, *completion][: len(prompt) + last]))
    beginnings = {row[:length] for row in read for length in range(1, len(row) + 1)}
    assert count_tokens(chosen, **inputs).shared == len(beginnings)


def test_a_groups_prompt_is_read_once(models: dict[str, Any]) -> None:
    read: list[torch.Size] = []
    model = models["llama"]
    hook = model.get_decoder().register_forward_pre_hook(
        lambda module, args, inputs: read.append(inputs["input_ids"].shape), with_kwargs=True
    )
    rows = [(ids(2, 60), [number, *ids(number, 19)]) for number in range(5)]
    chosen, inputs = batch(rows)
    logits_before_shared(model, chosen, **inputs)
    hook.remove()
    counts = count_tokens(chosen, **inputs)
    assert counts == (400, 400, 60 + 5 * 18)  # of the 20 the last is the tool's, and the one before predicts nothing
    assert read == [(1, counts.shared)]


def test_padding_in_between_keeps_its_distance(models: dict[str, Any]) -> None:
    chosen, inputs = batch(CASES["a group"])
    inputs["attention_mask"][1, 7:9] = 0  # the same ids as its neighbours', but not the same way to them
    shared = logits_before_shared(models["llama"], chosen, **inputs)
    torch.testing.assert_close(shared, logits_before(models["llama"], chosen, **inputs), atol=1e-4, rtol=1e-4)


def test_in_bfloat16_it_differs_by_rounding(models: dict[str, Any]) -> None:
    chosen, inputs = batch(CASES["a group"])
    with torch.no_grad():
        exact = logits_before(models["qwen2"], chosen, **inputs)
        with torch.autocast("cpu", torch.bfloat16):
            shared = logits_before_shared(models["qwen2"], chosen, **inputs)
            plain = logits_before(models["qwen2"], chosen, **inputs)
    assert shared.dtype == torch.float32
    assert float((shared - exact).abs().max()) <= 2 * float((plain - exact).abs().max())


@pytest.mark.parametrize("why", ["layers that see a part", "computed again", "another attention"])
def test_where_it_cannot_share_it_goes_the_plain_way(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = qwen().train()
    if why == "layers that see a part":
        model.config.layer_types = ["sliding_attention", *model.config.layer_types[1:]]
    elif why == "computed again":
        model.activation_checkpointing_enable()
    else:
        monkeypatch.setattr(model.config, "_attn_implementation_internal", "flex_attention")
    expected = torch.ones(3, 5)
    monkeypatch.setattr("journeyman.training.shared_prefix.logits_before", lambda *_, **__: expected)
    chosen, inputs = batch(CASES["a group"])
    assert logits_before_shared(model, chosen, **inputs) is expected


def test_the_models_own_attention_is_given_back(models: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    model = models["llama"]
    chosen, inputs = batch(CASES["a group"])
    with monkeypatch.context() as broken, pytest.raises(RuntimeError, match="out of memory"):
        broken.setattr(model.model.layers[1], "forward", Mock(side_effect=RuntimeError("out of memory")))
        logits_before_shared(model, chosen, **inputs)
    assert model.config._attn_implementation == "sdpa"
    logits_before_shared(model, chosen, **inputs)
    assert model.config._attn_implementation == "sdpa"


def test_a_batch_without_a_chosen_token_gives_no_logits(models: dict[str, Any]) -> None:
    chosen, inputs = batch(CASES["a group"])
    none = torch.zeros_like(chosen)
    assert len(pack(none, **inputs).tokens) == 0
    assert logits_before_shared(models["llama"], none, **inputs).shape == (0, 259)
