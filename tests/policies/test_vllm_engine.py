"""Sampling by vLLM, against stand-ins for it: the module in this process, the server over real HTTP."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from journeyman.envs.observation import Observation
from journeyman.policies.batch import Sampling
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.local import LocalModel
from journeyman.policies.local_settings import LocalSettings
from journeyman.policies.models import ModelError
from journeyman.policies.policy import PolicyError
from journeyman.policies.rounding import in_bfloat16
from journeyman.policies.vllm_engine import VllmEngine
from journeyman.policies.vllm_server import VllmServer
from tests.policies.spread import spread_model
from tests.policies.talking import NO_END, TALKS, expected_logprobs, logprobs_of, talk, together
from tests.policies.vllm_standin import VERSION, Module, Served, StandIn, served


@pytest.fixture(scope="module")
def model() -> Any:
    return spread_model("qwen2")


@pytest.fixture
def chat(tiny: tuple[Any, Any]) -> ChatTemplate:
    return ChatTemplate(tiny[1])


@pytest.fixture
def vllm(model: Any, monkeypatch: pytest.MonkeyPatch) -> Module:
    module = Module(StandIn(model))
    monkeypatch.setitem(sys.modules, "vllm", module)
    return module


@pytest.fixture
def engine(vllm: Module) -> Iterator[VllmEngine]:
    with VllmEngine("some/model", NO_END, conversation_tokens=512, max_batch=4) as made:
        yield made


@pytest.fixture
def server(model: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    for proxy in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    with served(StandIn(model)) as running:
        yield running


@pytest.fixture
def client(server: Served) -> Iterator[VllmServer]:
    made = VllmServer(server.url, NO_END)
    yield made
    made.close()
    made.close()


def test_in_process_many_conversations_are_in_hand_at_once(
    engine: VllmEngine, vllm: Module, model: Any, chat: ChatTemplate
) -> None:
    for turns in together(engine, chat, TALKS, Sampling(0.7, 5)):
        assert all(len(turn.sampled_ids) == 5 and turn.truncated for turn in turns)
        assert logprobs_of(turns) == pytest.approx(expected_logprobs(model, turns, 0.7), abs=1e-4)
    assert vllm.made[0]["logprobs_mode"] == "processed_logprobs"
    assert vllm.made[0]["enable_prefix_caching"]
    assert engine.version == f"vllm {VERSION}"


def test_by_a_server_the_whole_conversation_travels_as_the_ids_that_it_is(
    client: VllmServer, server: Served, model: Any, chat: ChatTemplate
) -> None:
    turns = talk(client, chat, TALKS[1], Sampling(0.7, 5))
    assert logprobs_of(turns) == pytest.approx(expected_logprobs(model, turns, 0.7), abs=1e-4)
    whole = [id_ for turn in turns for id_ in (*turn.prompt_ids, *turn.sampled_ids)]
    for turn, body in zip(turns, server.asked, strict=True):
        sent = body["prompt"]
        assert sent == whole[: len(sent)]
        assert sent[-len(turn.prompt_ids) :] == list(turn.prompt_ids)
    assert len({body["seed"] for body in server.asked}) == 3


@pytest.mark.parametrize("kind", ["engine", "client"])
def test_a_seed_gives_the_same_tokens_again(kind: str, chat: ChatTemplate, request: pytest.FixtureRequest) -> None:
    sampler = request.getfixturevalue(kind)
    first, other, again = (talk(sampler, chat, TALKS[0], Sampling(1.0, 8), seed) for seed in (3, 4, 3))
    assert first == again
    assert first[0].sampled_ids != other[0].sampled_ids


def test_a_turn_ends_at_the_end_token(server: Served, model: Any, chat: ChatTemplate) -> None:
    (cut,) = talk(VllmServer(server.url, NO_END), chat, ["Hm"], Sampling(0.0, 6))
    end = cut.sampled_ids[2]
    (ended,) = talk(VllmServer(server.url, end), chat, ["Hm"], Sampling(0.0, 6))
    assert ended.sampled_ids == cut.sampled_ids[: cut.sampled_ids.index(end) + 1]
    assert (cut.truncated, ended.truncated) == (True, False)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (503, "answered 503: .*no room"),
        ({"token_ids": None}, "no token ids"),
        ({"logprobs": None}, "no token ids and log-probabilities"),
        ({"prompt_token_ids": [1, 2]}, "read other tokens than it was sent"),
        ({"token_ids": [5, 6]}, "2 tokens and 5 log-probabilities"),
        ({"token_ids": [5], "logprobs": {"token_logprobs": [float("nan")]}}, "1 tokens"),
        ({"token_ids": [5], "logprobs": {"token_logprobs": [-1.0]}}, "neither at its end token nor at its cap"),
    ],
)
def test_an_answer_that_cannot_be_trained_on_ends_the_episode(
    client: VllmServer, server: Served, chat: ChatTemplate, answer: Any, words: str
) -> None:
    server.answer = answer
    with pytest.raises(PolicyError, match=words):
        talk(client, chat, ["Hm"], Sampling(1.0, 5))


@pytest.mark.parametrize("mode", [None, "raw_logprobs"])
def test_log_probabilities_before_temperature_are_taken_only_where_they_are_the_same(
    server: Served, chat: ChatTemplate, mode: str | None
) -> None:
    server.logprobs_mode = mode
    client = VllmServer(server.url, NO_END)
    assert talk(client, chat, ["Hm"], Sampling(1.0, 3))
    with pytest.raises(PolicyError, match="--logprobs-mode processed_logprobs"):
        talk(client, chat, ["Hm"], Sampling(0.7, 3))
    client.close()


def test_where_no_server_is_the_error_says_how_to_start_one(server: Served) -> None:
    for url in (f"{server.url}/elsewhere", "http://127.0.0.1:9", "nonsense"):
        with pytest.raises(ModelError, match=r"no vLLM server answers at .*vllm serve"):
            VllmServer(url, NO_END)


def test_a_failure_ends_the_turns_and_vllm_forgets_them(engine: VllmEngine, vllm: Module, chat: ChatTemplate) -> None:
    vllm.fails = True
    with pytest.raises(PolicyError, match="the GPU is gone"):
        talk(engine, chat, ["Hm"], Sampling(1.0, 3))
    vllm.fails = False
    assert talk(engine, chat, ["Hm"], Sampling(1.0, 3))
    assert vllm.aborted == ["0"]


def test_new_weights_in_process(engine: VllmEngine, vllm: Module, model: Any) -> None:
    lane = engine.open_lane(0)
    with pytest.raises(PolicyError, match="1 conversations are open"):
        engine.refresh(model)
    assert not vllm.loaded
    lane.close()
    engine.refresh(model)
    assert vllm.loaded.keys() == dict(model.named_parameters()).keys()
    assert vllm.resets == 1
    assert vllm.made[0]["dtype"] == "bfloat16"
    for name, weight in model.named_parameters():  # rounded by chance, or what was learned would be lost
        assert torch.equal(vllm.loaded[name], in_bfloat16(weight.detach(), name))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_new_weights_for_a_server_go_by_trls_client(
    server: Served, model: Any, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    server.dtype = f"torch.{dtype}"
    client = VllmServer(server.url, NO_END)
    with pytest.raises(PolicyError, match=r"no new weights for .*vLLM is not installed.*--weight-transfer-config"):
        client.refresh(model)
    sent: list[Any] = []

    class Client:
        def __init__(self, base_url: str) -> None:
            sent.append(base_url)

        def init_communicator(self, device: torch.device) -> None:
            sent.append(device)

        def update_named_params(self, described: list[Any], weights: Iterator[tuple[str, torch.Tensor]]) -> None:
            came = list(weights)
            assert {tensor.dtype for _, tensor in came} == {getattr(torch, dtype)}
            sent.append((described, [(name, dtype, list(tensor.shape)) for name, tensor in came]))

        def reset_prefix_cache(self) -> None:
            sent.append("reset")

        def close_communicator(self) -> None:
            sent.append("closed")

    monkeypatch.setattr("trl.generation.vllm_client.VLLMClient", Client)
    lane = client.open_lane(0)
    with pytest.raises(PolicyError, match="1 conversations are open"):
        client.refresh(model)
    lane.close()
    client.refresh(model)
    client.refresh(model)
    client.close()
    described, streamed = sent[2]
    assert described == streamed
    assert [name for name, _, _ in described] == [name for name, _ in model.named_parameters()]
    assert (sent[0], sent[3], sent[5:]) == (server.url, "reset", ["reset", "closed"])


def test_of_several_processes_the_first_sends_and_the_others_wait(
    client: VllmServer, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[int] = []
    for name, value in {
        "is_initialized": lambda: True,
        "get_rank": lambda: 1,
        "barrier": lambda: waited.append(1),
    }.items():
        monkeypatch.setattr(f"journeyman.policies.vllm_server.distributed.{name}", value)
    client.refresh(model)  # the first would need vLLM for it
    assert waited == [1]


def test_without_vllm_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(ModelError, match="pip install"):
        LocalModel.load("tiny", settings=LocalSettings(sampler="vllm"))
    with pytest.raises(ModelError, match="there are: transformers, llamacpp, vllm and vllm:URL"):
        LocalModel.load("tiny", settings=LocalSettings(sampler="abacus"))


def test_a_local_policy_gives_vllm_the_share_of_memory_that_is_set(vllm: Module) -> None:
    with LocalModel.load("tiny", settings=LocalSettings(sampler="vllm", gpu_memory_share=0.45)):
        assert vllm.made[0]["gpu_memory_utilization"] == 0.45


def test_a_local_policy_samples_by_a_server_and_its_episodes_say_so(server: Served) -> None:
    settings = LocalSettings(sampler=f"vllm:{server.url}", temperature=1.0, max_turn_tokens=6)
    with LocalModel.load("tiny", settings=settings) as local:
        policy = local.policy()
        policy.start(seed=0)
        tokens = policy.act(Observation("`f` is wrong.")).tokens
        assert tokens is not None
        assert len(tokens.logprobs) == len(tokens.sampled_ids) > 0
        policy.close()
        assert policy.versions()["sampler"] == f"vllm {VERSION}"
