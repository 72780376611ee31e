"""Sampling in batches with kept caches gives what a plain forward pass over the whole conversation gives."""

from __future__ import annotations

import copy
import threading
from typing import Any

import pytest
import torch
from transformers import MistralConfig

from journeyman.envs.actions import TokenTurn
from journeyman.policies.batch import Batch, Sampling, Turn
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.engine import Engine, part_kinds
from journeyman.policies.models import ModelError
from journeyman.policies.policy import PolicyError

TALKS = [
    ["What is this?", "And that?"],
    ["Say something longer than the others do, please, so that the rows differ.", "Again.", "And again."],
    ["Hm"],
]


@pytest.fixture
def model(tiny: tuple[Any, Any]) -> Any:
    return tiny[0]


@pytest.fixture
def chat(tiny: tuple[Any, Any]) -> ChatTemplate:
    return ChatTemplate(tiny[1])


def talk(engine: Engine, chat: ChatTemplate, messages: list[str], sampling: Sampling, seed: int = 0) -> list[TokenTurn]:
    lane = engine.open_lane(seed)
    turns = []
    for i, message in enumerate(messages):
        prompt = chat.reply(message) if i else chat.opening("Be brief.", message)
        turns.append(lane.generate(prompt, sampling))
    lane.close()
    return turns


def together(engine: Engine, chat: ChatTemplate, sampling: Sampling) -> list[list[TokenTurn]]:
    results: list[list[TokenTurn]] = [[] for _ in TALKS]

    def run(i: int) -> None:
        results[i] = talk(engine, chat, TALKS[i], sampling, seed=i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(TALKS))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_in_company_as_alone(model: Any, chat: ChatTemplate, temperature: float) -> None:
    sampling = Sampling(temperature, max_new_tokens=12)
    with Engine(model, chat.eos_id) as engine:
        alone = [talk(engine, chat, messages, sampling, seed=i) for i, messages in enumerate(TALKS)]
        company = together(engine, chat, sampling)
    assert [[t.sampled_ids for t in turns] for turns in company] == [[t.sampled_ids for t in turns] for turns in alone]


@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_log_probabilities_are_those_of_the_whole_conversation(
    model: Any, chat: ChatTemplate, temperature: float
) -> None:
    with Engine(model, chat.eos_id) as engine:
        turns = together(engine, chat, Sampling(temperature, max_new_tokens=12))[1]
    ids = [token for turn in turns for token in (*turn.prompt_ids, *turn.sampled_ids)]
    with torch.no_grad():
        expected = torch.log_softmax(model(torch.tensor([ids])).logits[0].float() / temperature, dim=-1)
    at = 0
    for turn in turns:
        at += len(turn.prompt_ids)
        for token, logprob in zip(turn.sampled_ids, turn.logprobs, strict=True):
            assert logprob == pytest.approx(float(expected[at - 1, token]), abs=1e-4)
            at += 1


def test_what_conversations_begin_with_in_common_is_read_once(model: Any, chat: ChatTemplate) -> None:
    read = 0

    def count(*_: Any, **inputs: Any) -> None:
        nonlocal read
        read += inputs["input_ids"].numel() if inputs else 0

    model.register_forward_pre_hook(lambda module, args, kwargs: count(**kwargs), with_kwargs=True)
    task, other = "Mend the rounding of totals in parcel.py.", "Mend the rounding of totals in till.py, please."
    first = chat.opening("Be brief.", task)
    batch = Batch(model, -1)
    with torch.inference_mode(), Engine(model, -1) as engine:
        lanes = [engine.open_lane(seed) for seed in range(9)]
        turns = [Turn(lane, first, Sampling(1.0, 1)) for lane in lanes[:8]]
        turns.append(Turn(lanes[8], chat.opening("Be brief.", other), Sampling(0.0, 1)))
        batch.admit(turns)
        finished = batch.finished()
        after_own = read
        plain = int(model(torch.tensor([turns[8].prompt_ids])).logits[0, -1].argmax())
    assert len(finished) == 9
    assert after_own < 2 * len(first), "eight of the nine prompts, and most of the ninth, were not read again"
    assert turns[8].sampled == [plain]
    assert all(lane.cache[0][0].shape[1] == len(turn.prompt_ids) for lane, turn in zip(lanes, turns, strict=True))


def test_a_turn_joins_while_another_is_on_its_way(model: Any, chat: ChatTemplate) -> None:
    long, short = Sampling(1.0, 200), Sampling(1.0, 3)
    no_end = -1  # a token that is never sampled: turns run to their caps
    with Engine(model, no_end) as engine:
        alone = talk(engine, chat, ["Tell me all."], long, seed=1)
        first = threading.Thread(target=lambda: company.append(talk(engine, chat, ["Tell me all."], long, seed=1)))
        company: list[list[TokenTurn]] = []
        first.start()
        talks = 0
        while first.is_alive():
            talk(engine, chat, TALKS[1], short, seed=2)
            talks += 1
        first.join()
    assert company[0][0].sampled_ids == alone[0].sampled_ids
    assert talks > 1, "the others had to wait for the long turn"


def test_only_full_attention_is_served(model: Any, chat: ChatTemplate) -> None:
    model.config.layer_types = ["full_attention", "sliding_attention"]
    try:
        with pytest.raises(ModelError, match="sliding_attention"):
            Engine(model, chat.eos_id)
    finally:
        del model.config.layer_types


def test_a_turn_ends_at_the_end_token_or_its_cap(model: Any, chat: ChatTemplate) -> None:
    with Engine(model, chat.eos_id) as engine:
        turns = [talk(engine, chat, ["Go"], Sampling(1.0, 40), seed)[0] for seed in range(30)]
    assert {turn.truncated for turn in turns} == {True, False}
    for turn in turns:
        assert turn.truncated == (turn.sampled_ids[-1] != chat.eos_id)
        assert chat.eos_id not in turn.sampled_ids[:-1]
        assert len(turn.sampled_ids) <= 40


def test_the_trainers_mode_is_given_back(model: Any, chat: ChatTemplate) -> None:
    model.train()
    with Engine(model, chat.eos_id) as engine:
        talk(engine, chat, ["Hi"], Sampling(0.0, 2))
    assert model.training


def test_a_broken_model_ends_the_episode_not_the_thread(model: Any, chat: ChatTemplate) -> None:
    with Engine(model, chat.eos_id) as engine:
        lane = engine.open_lane(0)
        with pytest.raises(PolicyError, match="sampling failed"):
            lane.generate([10**9], Sampling())
        lane.close()
        assert talk(engine, chat, ["Hi"], Sampling(0.0, 2))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_weights_that_are_no_numbers_are_told_of_at_the_first_token(
    model: Any, chat: ChatTemplate, temperature: float
) -> None:
    broken = copy.deepcopy(model)
    with torch.no_grad():
        broken.get_output_embeddings().weight.fill_(torch.nan)
    with Engine(broken, chat.eos_id) as engine, pytest.raises(PolicyError, match="not a number"):
        talk(engine, chat, ["Hi"], Sampling(temperature, 4))


def test_a_closed_engine_says_so(model: Any, chat: ChatTemplate) -> None:
    engine = Engine(model, chat.eos_id)
    lane = engine.open_lane(0)
    engine.close()
    engine.close()
    with pytest.raises(PolicyError, match="closed"):
        lane.generate([1], Sampling())


def test_where_no_batch_can_be_opened_nobody_waits(model: Any, chat: ChatTemplate) -> None:
    class Dead(Engine):
        def _batch(self) -> Any:
            raise RuntimeError("the device is gone")

    with Dead(model, chat.eos_id) as engine:
        for why in ("the device is gone", "closed"):  # the first that waits is told, and whoever comes later
            with pytest.raises(PolicyError, match=why):
                engine.open_lane(0).generate([1, 2], Sampling())


def test_a_window_over_all_layers_is_refused_too(model: Any, chat: ChatTemplate) -> None:
    windowed = MistralConfig(sliding_window=4096)
    assert part_kinds(windowed) == {"sliding_attention"}
    assert part_kinds(model.config) == set()
