"""Sampling by llama.cpp: the same tokens and log-probabilities as a plain forward pass of the model it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("xllamacpp", reason="llama.cpp is not installed: pip install 'journeyman[llamacpp]'")

from journeyman.envs.actions import TokenTurn
from journeyman.envs.observation import Observation
from journeyman.policies import llama_library
from journeyman.policies.batch import Sampling
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.llama_library import LlamaContext
from journeyman.policies.llamacpp import LlamaCppEngine
from journeyman.policies.local import LocalModel
from journeyman.policies.local_settings import LocalSettings
from journeyman.policies.models import ModelError
from journeyman.policies.policy import PolicyError
from tests.policies.spread import spread_model
from tests.policies.talking import NO_END, TALKS, expected_logprobs, logprobs_of, talk, together


@pytest.fixture(scope="module")
def model() -> Any:
    return spread_model("llama")


@pytest.fixture
def chat(tiny: tuple[Any, Any]) -> ChatTemplate:
    return ChatTemplate(tiny[1])


@pytest.fixture
def engine(model: Any, chat: ChatTemplate) -> Iterator[LlamaCppEngine]:
    with LlamaCppEngine(
        model, chat.tokenizer, NO_END, quantization="f32", conversation_tokens=512, max_batch=4
    ) as made:
        yield made


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[int, int, int]]]:
    """What llama.cpp was given, pass by pass."""
    passes: list[list[tuple[int, int, int]]] = []
    plain = LlamaContext.read

    def noting(self: LlamaContext, tokens: Any, wanted: Any) -> torch.Tensor:
        passes.append(list(tokens))
        return plain(self, tokens, wanted)

    monkeypatch.setattr(LlamaContext, "read", noting)
    return passes


@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_log_probabilities_are_of_the_distribution_that_was_sampled_from(
    engine: LlamaCppEngine, model: Any, chat: ChatTemplate, temperature: float
) -> None:
    turns = together(engine, chat, TALKS, Sampling(temperature, max_new_tokens=12))[1]
    assert logprobs_of(turns) == pytest.approx(expected_logprobs(model, turns, temperature), abs=0.001)


def test_no_token_is_without_its_log_probability(engine: LlamaCppEngine, chat: ChatTemplate) -> None:
    # The tokenizer's tokens are bytes: most of what is sampled ends within a character.
    (turn,) = talk(engine, chat, ["Hm"], Sampling(1.0, 60))
    assert len(turn.sampled_ids) == len(turn.logprobs) == 60
    with pytest.raises(UnicodeDecodeError):
        bytes(id_ % 256 for id_ in turn.sampled_ids).decode()


def test_a_lanes_random_numbers_choose_as_they_do_with_transformers(
    engine: LlamaCppEngine, model: Any, chat: ChatTemplate
) -> None:
    (turn,) = talk(engine, chat, ["Hm"], Sampling(1.0, 40), seed=3)
    with torch.no_grad():
        logits_T_V = model(torch.tensor([[*turn.prompt_ids, *turn.sampled_ids]])).logits[
            0, len(turn.prompt_ids) - 1 : -1
        ]
    sums_T_V = torch.softmax(logits_T_V.double(), dim=-1).cumsum(dim=-1)
    generator = torch.Generator().manual_seed(3)
    for sums_V, token in zip(sums_T_V, turn.sampled_ids, strict=True):
        drawn = float(torch.rand(1, generator=generator, dtype=torch.float64))
        before = float(sums_V[token - 1]) if token else 0.0
        assert before - 0.001 <= drawn <= float(sums_V[token]) + 0.001


def test_a_seed_gives_the_same_tokens_again(engine: LlamaCppEngine, chat: ChatTemplate) -> None:
    first, other, again = (talk(engine, chat, TALKS[0], Sampling(1.0, 12), seed) for seed in (3, 4, 3))
    assert [turn.sampled_ids for turn in first] == [turn.sampled_ids for turn in again]
    assert first[0].sampled_ids != other[0].sampled_ids


def test_a_turn_reads_only_what_is_new(
    engine: LlamaCppEngine, chat: ChatTemplate, read: list[list[tuple[int, int, int]]]
) -> None:
    turns = talk(engine, chat, TALKS[1], Sampling(1.0, 5))
    tokens = [token for part in read for token in part]
    whole = [id_ for turn in turns for id_ in (*turn.prompt_ids, *turn.sampled_ids)]
    assert [id_ for id_, _, _ in tokens] == whole[:-1], "each token was read once, but for the last that was sampled"
    assert [position for _, position, _ in tokens] == list(range(len(tokens)))


def test_what_conversations_begin_with_in_common_is_read_once(
    engine: LlamaCppEngine, model: Any, chat: ChatTemplate, read: list[list[tuple[int, int, int]]]
) -> None:
    task = "Mend the rounding of totals in parcel.py, and see that nothing else changes. " * 2
    group = together(engine, chat, [[task], [task], [task], [f"{task} Please."]], Sampling(1.0, 4))
    prompt = len(group[0][0].prompt_ids)
    assert sum(map(len, read)) < 2 * prompt, "the prompt of three of the four was not read again"
    for turns in group:
        assert logprobs_of(turns) == pytest.approx(expected_logprobs(model, turns), abs=0.001)


def test_more_conversations_than_sequences_take_turns(model: Any, chat: ChatTemplate) -> None:
    with LlamaCppEngine(
        model, chat.tokenizer, NO_END, quantization="f32", conversation_tokens=512, max_batch=2
    ) as engine:
        lanes = [engine.open_lane(seed) for seed in range(5)]
        turns: list[list[TokenTurn]] = [[] for _ in lanes]
        for at in range(3):
            for lane, mine in zip(lanes, turns, strict=True):
                mine.append(
                    lane.generate(chat.reply("And?") if at else chat.opening("Be brief.", "Hm"), Sampling(1.0, 6))
                )
        for mine in turns:
            assert logprobs_of(mine) == pytest.approx(expected_logprobs(model, mine), abs=0.001)


def test_new_weights_wait_for_no_open_conversation(engine: LlamaCppEngine, model: Any, chat: ChatTemplate) -> None:
    other = spread_model("llama", seed=1)
    lane = engine.open_lane(0)
    lane.generate(chat.opening("Be brief.", "Hm"), Sampling(0.0, 4))
    with pytest.raises(PolicyError, match="1 conversations are open"):
        engine.refresh(other)
    lane.close()
    lane.close()
    engine.refresh(other)
    turns = talk(engine, chat, TALKS[0], Sampling(0.0, 8))
    assert logprobs_of(turns) == pytest.approx(expected_logprobs(other, turns), abs=0.001)


def test_a_model_that_cannot_be_exported_leaves_the_old_one(
    engine: LlamaCppEngine, model: Any, chat: ChatTemplate
) -> None:
    odd = spread_model("llama", seed=1)
    odd.config.hidden_act = "gelu"
    with pytest.raises(ModelError, match="gelu"):
        engine.refresh(odd)
    turns = talk(engine, chat, ["Hm"], Sampling(1.0, 4))
    assert logprobs_of(turns) == pytest.approx(expected_logprobs(model, turns), abs=0.001)


def test_what_does_not_fit_or_is_no_token_ends_the_episode_not_the_thread(
    engine: LlamaCppEngine, chat: ChatTemplate
) -> None:
    lane = engine.open_lane(0)
    for prompt, words in (([10**9], "none is 1000000000"), ([-1], "none is -1"), ([5] * 510, "does not fit")):
        with pytest.raises(PolicyError, match=words):
            lane.generate(prompt, Sampling(1.0, 8))
    lane.close()
    assert talk(engine, chat, ["Hi"], Sampling(0.0, 2))


def test_a_failure_ends_the_conversations_on_their_way_and_no_other(
    engine: LlamaCppEngine, model: Any, chat: ChatTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    bystander, broken = engine.open_lane(0), engine.open_lane(1)
    turns = [bystander.generate(chat.opening("Be brief.", "Hm"), Sampling(1.0, 4))]

    def fail(*_: Any) -> torch.Tensor:
        raise PolicyError("llama.cpp could not read 1 tokens (code 1)")

    with monkeypatch.context() as patch:
        patch.setattr(LlamaContext, "read", fail)
        with pytest.raises(PolicyError, match="could not read"):
            broken.generate(chat.opening("Be brief.", "Hm"), Sampling(1.0, 4))
    with pytest.raises(PolicyError, match="failed before"):
        broken.generate(chat.reply("And?"), Sampling(1.0, 4))
    turns.append(bystander.generate(chat.reply("And?"), Sampling(1.0, 4)))
    assert logprobs_of(turns) == pytest.approx(expected_logprobs(model, turns), abs=0.001)


def test_a_closed_engine_says_so(model: Any, chat: ChatTemplate) -> None:
    engine = LlamaCppEngine(model, chat.tokenizer, NO_END, conversation_tokens=256, max_batch=1)
    lane = engine.open_lane(0)
    engine.close()
    engine.close()
    with pytest.raises(PolicyError, match="closed"):
        lane.generate([1], Sampling(1.0, 4))


def test_another_layout_is_noticed_before_anything_is_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    llama_library._library.cache_clear()
    kind, offset, default = llama_library._CONTEXT["n_threads"]
    monkeypatch.setitem(llama_library._CONTEXT, "n_threads", (kind, offset - 4, default))
    try:
        with pytest.raises(ModelError, match=r"journeyman\[llamacpp\]"):
            LlamaContext(tmp_path / "none.gguf", sequences=1, sequence_tokens=256, threads=1)
    finally:
        llama_library._library.cache_clear()


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "torn.gguf"
    path.write_bytes(b"GGUF" + bytes(40))
    with pytest.raises(ModelError, match=r"torn\.gguf"):
        LlamaContext(path, sequences=1, sequence_tokens=256, threads=1)


def test_a_local_policy_samples_by_it_and_its_episodes_say_so() -> None:
    settings = LocalSettings(sampler="llamacpp", temperature=1.0, max_turn_tokens=12, max_episode_tokens=1024)
    with LocalModel.load("tiny", settings=settings, max_batch=2) as model:
        policy = model.policy()
        policy.start(seed=0)
        tokens = policy.act(Observation("`f` is wrong.")).tokens
        assert tokens is not None
        assert len(tokens.logprobs) == len(tokens.sampled_ids) > 0
        policy.close()
        assert policy.versions()["sampler"] == f"llamacpp q8_0, xllamacpp {llama_library.version()}"
