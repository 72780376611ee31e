"""Estimates against reality: parameters and cache to the byte, a training step's peak within a factor."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
import torch
from peft import get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from journeyman.policies.models import computes_in_bfloat16
from journeyman.training.estimate import GIB, Part, episode_tokens, layer_bytes, memory_of, total
from journeyman.training.model_shape import ModelShape, shape_of
from journeyman.training.run_preset import Model, RunPresetError, known_architectures, load
from journeyman.training.sft import adapters

PUBLISHED = {
    "smollm2-135m": 134_515_008,
    "Qwen/Qwen2.5-Coder-0.5B-Instruct": 494_032_768,
    "Qwen/Qwen2.5-Coder-1.5B-Instruct": 1_543_714_304,
    "Qwen/Qwen2.5-Coder-7B-Instruct": 7_615_616_512,
    "Qwen/Qwen2.5-Coder-32B-Instruct": 32_763_876_352,
    "Qwen/Qwen3-4B-Instruct-2507": 4_022_468_096,
}
FACTOR = 1.35
"""A step's peak is estimated within this, either way."""


@cache
def shape(name: str) -> ModelShape:
    return shape_of(Model(name=name))


def test_known_models_have_as_many_parameters_as_their_makers_say() -> None:
    assert {name: shape(name).parameters for name in known_architectures()} == PUBLISHED


def test_a_local_model_is_counted_to_the_parameter(tiny: tuple[Any, Any]) -> None:
    model = tiny[0]
    assert shape("tiny").parameters == sum(parameter.numel() for parameter in model.parameters())
    adapted = get_peft_model(model, adapters(4))
    assert shape("tiny").adapters(4) == sum(p.numel() for p in adapted.parameters() if p.requires_grad)


@pytest.mark.parametrize("name", ["tiny", "smollm2-135m", "Qwen/Qwen3-4B-Instruct-2507"])
def test_a_token_of_context_takes_so_many_bytes(name: str, tiny: tuple[Any, Any]) -> None:
    """By the model's own cache; without memory for weights where they are many: its tensors have their shapes alone."""
    model = tiny[0]
    if name != "tiny":
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**known_architectures()[name]))
    tokens_B_T = torch.ones(3, 7, dtype=torch.long, device=model.device)
    with torch.no_grad():
        held = model(input_ids=tokens_B_T, use_cache=True).past_key_values
    size = sum(part.numel() for layer in held.layers for part in (layer.keys, layer.values))
    assert shape(name).kv_bytes(element=2) * tokens_B_T.numel() == 2 * size


def test_what_is_unknown_is_asked_for() -> None:
    with pytest.raises(RunPresetError, match=r"nothing is known of a/b: give its folder, or .* model\.architecture"):
        shape_of(Model(name="a/b"))
    with pytest.raises(RunPresetError, match="name its model_type"):
        shape_of(Model(name="a/b", architecture={"hidden_size": 8}))
    with pytest.raises(RunPresetError, match="its config cannot be used"):
        shape_of(Model(name="a/b", architecture={"model_type": "llama", "hidden_size": "wide"}))
    with pytest.raises(ValueError, match="there is no such folder"):
        shape_of(Model(name="./nowhere"))


def parts(found: tuple[Part, ...]) -> dict[str, float]:
    return {part.what: part.bytes for part in found}


def test_full_training_holds_sixteen_bytes_a_parameter_and_shares_them() -> None:
    """ZeRO's 16 bytes: master weights, gradients and Adam's two moments in float32."""
    name = "Qwen/Qwen2.5-Coder-7B-Instruct"
    whole = ["model.name=" + name, "grpo.lora_rank=0"]
    count = shape(name).parameters
    for sharding, weights, others in (("full", 4, 4), ("gradients", 1, 4)):
        found = parts(memory_of(load("node-32b", [*whole, f"launch.sharding={sharding}"]), shape(name)).training)
        assert found["weights"] == 4 * count / weights
        assert found["gradients"] + found["optimiser"] == 12 * count / others
    alone = parts(memory_of(load("cpu-demo"), shape("smollm2-135m")).training)
    assert sum(alone[part] for part in ("weights", "gradients", "optimiser")) == 16 * PUBLISHED["smollm2-135m"]


def test_adapters_hold_gradients_for_themselves_alone() -> None:
    run, name = load("node-32b"), "Qwen/Qwen2.5-Coder-32B-Instruct"
    found = parts(memory_of(run, shape(name)).training)
    assert found["gradients"] == shape(name).adapters(32) * 4 / 4
    assert found["weights"] == PUBLISHED[name] * 2 / 4


def test_checkpointing_keeps_one_layer_and_the_inputs_of_the_others() -> None:
    name, kept = "Qwen/Qwen3-4B-Instruct-2507", []
    for switch in ("true", "false"):
        run = load("one-gpu-4b-lora", [f"launch.activation_checkpointing={switch}"])
        kept.append(parts(memory_of(run, shape(name)).training)["activations"])
    tokens = 4 * 3072
    assert kept[1] == tokens * 36 * layer_bytes(shape(name), 2)
    assert kept[0] == tokens * (36 * 2560 * 2 + layer_bytes(shape(name), 2))


def test_samplers_take_memory_where_they_are() -> None:
    name = "smollm2-135m"
    cpu = memory_of(load("cpu-demo"), shape(name))
    assert parts(cpu.sampling)["KV cache"] == 16 * 1024 * shape(name).kv_bytes(4)
    assert not cpu.host, "there is one memory"
    quantised = parts(memory_of(load("cpu-demo", ["sampler.kind=llamacpp"]), shape(name)).sampling)
    assert quantised["llama.cpp's export"] == PUBLISHED[name] * 8.5 / 8
    node = memory_of(load("node-32b"), shape("Qwen/Qwen2.5-Coder-32B-Instruct"))
    assert parts(node.server)["weights"] == PUBLISHED["Qwen/Qwen2.5-Coder-32B-Instruct"] * 2 / 4
    assert "KV cache" not in parts(node.sampling) and "sandboxes" in parts(node.host)
    colocated = memory_of(load("one-gpu-4b-lora"), shape("Qwen/Qwen3-4B-Instruct-2507"))
    pool = "vLLM, all the time"
    assert parts(colocated.training)[pool] == parts(colocated.sampling)[pool] == pytest.approx(0.45 * 80 * GIB)


def test_an_episode_is_no_longer_than_its_conversation_may_be() -> None:
    assert sum(episode_tokens(load("cpu-demo"))) == 330 + 4 * 60 + 5 * 20
    assert sum(episode_tokens(load("cpu-demo", ["assume.actions=100"]))) == 1024


STEP = """
import json, sys
from pathlib import Path
from transformers import AutoConfig, AutoModelForCausalLM
from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.observation import Observation
from journeyman.policies.models import load_model
from journeyman.training import grpo
from journeyman.training.checkpoint import RunFolder
from journeyman.training.groups import Collected, Group
from journeyman.training.run_preset import known_architectures
from journeyman.training.trl_rollouts import make_grpo_trainer

rows, length, written, folder = *map(int, sys.argv[1:4]), sys.argv[4]

def played(row):
    # Nothing is shared: the first token differs. What is written stands before and after something that is read.
    half = (9,) * (written // 2)
    turns = [TokenTurn((5 + row,) * (length - 2 * written), half, (-1.0,) * len(half)),
             TokenTurn((7,) * written, half, (-1.0,) * len(half))]
    steps = tuple(Step(Action("view", {"path": "."}, "x", turn), Observation("y")) for turn in turns)
    return Episode("e", "t", "p", 0, Observation("x"), steps, StopReason.REPORTED, float(row % 2), (), None)

def told(trainer, groups):
    group = Group(tuple(map(played, range(rows))), tuple(((-1.0) ** row,) * 2 for row in range(rows)), True)
    return Collected((group,), (group,)), 2

model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**known_architectures()["smollm2-135m"]))
settings = grpo.GrpoSettings(steps=2, tasks_per_step=1, group_size=rows, micro_batch=rows)
arguments = grpo._arguments(RunFolder(folder, {}), settings, on_cpu=True) | {"save_strategy": "no"}
make_grpo_trainer(model, load_model("tiny")[1], told, arguments=arguments).train()
"""


@pytest.mark.slow
def test_a_steps_peak_is_within_a_factor_of_what_was_estimated(tmp_path: Any) -> None:
    """Two real GRPO steps of a model of SmolLM2's shape, in a process of their own, by the kernel's word."""
    rows, length, written = 2, 384, 64
    command = [sys.executable, "-c", STEP, *map(str, (rows, length, written)), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    measured = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    precision = "bf16" if computes_in_bfloat16() else "no"
    run = load("cpu-demo", [
        f"launch.mixed_precision={precision}", f"grpo.micro_batch={rows}", f"grpo.group_size={rows}",
        "assume.sandbox_mib=0", "assume.actions=1", f"assume.written_tokens={written}",
        f"assume.opening_tokens={length - written}",
    ])  # fmt: skip
    capped = run.meets.local.max_episode_tokens
    estimated = _for_length(memory_of(run, shape("smollm2-135m")).training, length / capped)
    print(json.dumps({"measured_gib": measured / GIB, "estimated_gib": estimated / GIB}))
    assert measured / FACTOR < estimated < measured * FACTOR


def _for_length(found: tuple[Part, ...], share: float) -> float:
    """The sum, were the rows so much shorter than an episode may be."""
    by_length = {"activations", "logits"}
    return total(found) - (1 - share) * sum(part.bytes for part in found if part.what in by_length)
