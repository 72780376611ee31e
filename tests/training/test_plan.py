"""What a run preset comes to: commands that exist, times that add up, and what doesn't fit."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils import DistributedType

from journeyman.training.accelerate_config import accelerate_config, write_accelerate_config
from journeyman.training.model_shape import shape_of
from journeyman.training.plan import Plan, launch_command, plan_of
from journeyman.training.run_preset import load, names


def planned(name: str, *changes: str) -> Plan:
    run = load(name, changes)
    return plan_of(name, run, shape_of(run.model))


@pytest.mark.parametrize("name", names())
def test_what_comes_along_fits_the_machine_that_it_names(name: str) -> None:
    made = planned(name)
    assert made.warnings == ()
    assert [stage.name for stage in made.stages][-2:] == ["grpo", "eval"]
    assert all(stage.total_s > 0 for stage in made.stages)


def test_times_and_prices_follow_the_assumptions() -> None:
    made = planned("one-gpu-0.5b")
    (grpo,) = (stage for stage in made.stages if stage.name == "grpo")
    read, written = 900 + 6 * 180, 7 * 60
    assert grpo.episodes == 100 * 8 * 8
    assert grpo.tokens == grpo.episodes * (read + written)
    assert grpo.seconds["training"] == pytest.approx(grpo.tokens * 0.6 / 8000)
    assert grpo.seconds["sampling"] == pytest.approx(grpo.episodes * (read / 8000 + written / 500))
    assert grpo.seconds["waiting for environments"] == 0, "sixteen processors are quicker than the model"
    assert made.cost == pytest.approx(made.hours * (0.6 + 0.2))
    slow = planned("one-gpu-0.5b", "assume.action_s=10")
    assert next(stage for stage in slow.stages if stage.name == "grpo").seconds["waiting for environments"] > 0


def test_limits_on_tasks_reach_the_commands() -> None:
    for changes, shown in (((), 425), (("tasks.train_limit=64",), 64), (("sft.demonstrations=32",), 32)):
        demonstrations, sft, grpo, _ = planned("cpu-demo", *changes).stages
        assert demonstrations.episodes == sft.episodes == shown
        assert f"--tasks starter --limit {shown} " in demonstrations.command
        assert ("--limit 64" in grpo.command) == (changes == ("tasks.train_limit=64",))


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("node-32b", ("grpo.lora_rank=0",), r"does not fit: .* GiB on each of the trainer's GPUs, which has 80"),
        ("one-gpu-0.5b", ("hardware.gpu_memory_gib=8",), r"does not fit: .* activations: fewer grpo\.micro_batch"),
        ("cpu-demo", ("hardware.memory_gib=4",), "does not fit: .* on the machine, which has 4"),
        ("node-32b", ("grpo.concurrency=400",), r"does not fit: .* on each of the sampler's GPUs"),
        ("node-32b", ("assume.sandbox_mib=20000",), "for sandboxes and samplers on a machine with 1024"),
        ("node-32b", ("sampler.gpus=3",), "40 attention heads cannot be split over 3"),
        ("one-gpu-4b-lora", ("sampler.memory_share=0.2",), "some will wait; more sampler.memory_share"),
        ("cpu-demo", ("grpo.tasks_per_step=1",), r"8 episodes a step leave lanes empty: grpo\.concurrency is 16"),
        ("cpu-demo", ("assume.actions=50",), "reach the cap of 1024 tokens of meeting small"),
    ],
)
def test_what_does_not_fit_is_said_with_the_mend(name: str, changes: tuple[str, ...], said: str) -> None:
    assert any(re.search(said, warning) for warning in planned(name, *changes).warnings)


def test_a_plan_goes_to_scripts_whole() -> None:
    made = planned("node-32b").to_dict()
    assert yaml.safe_load(yaml.safe_dump(made)) == made, "plain values alone"
    assert made["model"]["parameters"] == 32_763_876_352
    assert made["memory"]["peak_bytes"] == max(made["memory"][half]["bytes"] for half in ("training", "sampling"))


@pytest.mark.parametrize("name", names())
def test_accelerate_reads_its_config_and_would_start_what_the_plan_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, path = load(name), tmp_path / "made" / "accelerate.yaml"
    write_accelerate_config(run, path)
    config = load_config_from_file(str(path))
    assert config.num_processes == run.launch.processes
    assert config.use_cpu == (run.hardware.gpus == 0)
    words = shlex.split(launch_command(name, run, ["train", "grpo", "--out", "x"]))
    if run.launch.processes == 1:
        assert words == ["journeyman", "train", "grpo", "--out", "x"]
        return
    assert words[:2] == ["accelerate", "launch"]
    words[words.index("--config_file") + 1] = str(path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)  # the machine is another
    monkeypatch.setattr("torch.cuda.device_count", lambda: run.hardware.gpus)
    asked, _, _ = _validate_launch_command(launch_command_parser().parse_args(words[2:]))
    assert asked.use_fsdp and str(asked.fsdp_version) == "2"
    assert (asked.num_processes, asked.mixed_precision, asked.gpu_ids) == (4, "bf16", "0,1,2,3")
    assert asked.module and asked.training_script == "journeyman"
    assert asked.training_script_args == ["train", "grpo", "--out", "x"]


def test_without_sharding_several_processes_are_data_parallel() -> None:
    run = load("node-32b", ["launch.sharding=none", "model.name=Qwen/Qwen3-4B-Instruct-2507"])
    config = accelerate_config(run)
    assert DistributedType(config["distributed_type"]) is DistributedType.MULTI_GPU
    assert "fsdp_config" not in config
    assert not planned("node-32b", "launch.sharding=none", "model.name=Qwen/Qwen3-4B-Instruct-2507").warnings


def test_guidelines_are_told_in_each_stage_that_plays() -> None:
    run = load("cpu-demo", ['guidelines=["conduct", "own.toml"]'])
    stages = {stage.name: stage.command for stage in plan_of("cpu-demo", run, shape_of(run.model)).stages}
    for name in ("demonstrations", "grpo", "eval"):
        assert "--guideline conduct --guideline own.toml" in stages[name], name
    assert "--guideline" not in stages["sft"], "it learns from episodes that were told"
    plain = load("cpu-demo")
    assert not any("--guideline" in stage.command for stage in plan_of("cpu-demo", plain, shape_of(plain.model)).stages)
