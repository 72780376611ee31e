"""`train plan` and `--dry-run`: what a run would take, without the hardware and without starting anything."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from journeyman.envs.store import EpisodeStore
from journeyman.policies.local_settings import LocalSettings
from journeyman.tasks.harbor import save_task
from journeyman.training.checkpoint import TrainingError
from journeyman.training.run_preset import FOLDER
from tests.journeyman.conftest import Call
from tests.making import tiny_task


def test_a_plan_shows_commands_memory_time_and_price(call: Call) -> None:
    done = call("train", "plan", "node-32b", "--set", "grpo.steps=10", "--accelerate-config", "made/[/a].yaml")
    assert done.exit_code == 0, done.output
    shown = " ".join(done.stdout.split())
    assert "32,763,876,352 parameters" in shown
    assert "accelerate launch --config_file runs/node-32b/accelerate.yaml -m journeyman train grpo" in shown
    assert "1. grpo: 2,560 episodes" in shown
    assert " --steps 10 --out runs/node-32b/grpo" in shown
    for words in ("each of the trainer's GPUs, while training", "each of the sampler's GPUs", "KV cache", "USD",
                  "Never run", "assumed, not measured"):  # fmt: skip
        assert words in shown
    assert yaml.safe_load(Path("made/[/a].yaml").read_text())["num_processes"] == 4
    assert "accelerate's config: made/[/a].yaml" in shown
    assert not Path("runs").exists(), "nothing was started"


def test_what_does_not_fit_is_a_warning(call: Call) -> None:
    done = call("train", "plan", "node-32b", "--set", "grpo.lora_rank=0")
    assert done.exit_code == 0
    assert "warning does not fit" in " ".join(done.stdout.split())


def test_a_dry_run_counts_the_options_that_were_typed(call: Call) -> None:
    done = call("train", "grpo", "--run-preset", "cpu-demo", "--steps", "5", "--model", "tiny", "--out", "x",
                "--dry-run", "--json")  # fmt: skip
    assert done.exit_code == 0, done.output
    plan = json.loads(done.stdout)
    assert (plan["settings"]["grpo"]["steps"], plan["settings"]["grpo"]["tasks_per_step"]) == (5, 3)
    assert plan["settings"]["model"]["name"] == "tiny"
    (stage,) = plan["stages"]
    assert stage["episodes"] == 5 * 3 * 8
    assert stage["command"] == "journeyman train grpo --run-preset cpu-demo --model tiny --steps 5 --out x"
    assert not Path("x").exists()


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--learning-rate", "3e-06", "--temperature", "0.7", "--lora-rank", "8", "--seed", "5", "--tasks", "a b"),
        ("--sampler", "llamacpp", "--limit", "7", "--micro-batch", "1"),
        ("--sampler", "vllm:http://127.0.0.1:8000", "--preset", "small", "--gpu-memory-share", "0.2"),
        ("--no-activation-checkpointing", "--engine", "processes", "--set", "refills=0", "--set", "state_share=0"),
        ("--review", "rules", "--review-rounds", "2"),
        ("--activation-checkpointing", "--group-size", "4", "--tasks-per-step", "16", "--concurrency", "2"),
        ("--feedback", "rows", "--reward-model", "runs/reward/model", "--guideline", "honesty"),
    ],
)
@pytest.mark.parametrize("name", ["one-gpu-0.5b", "one-gpu-4b-lora"])
def test_the_printed_command_does_what_the_plan_reckons(call: Call, name: str, words: tuple[str, ...]) -> None:
    first = call("train", "grpo", "--run-preset", name, *words, "--out", "a/x y", "--dry-run", "--json")
    assert first.exit_code == 0, first.output
    plan = json.loads(first.stdout)
    command = shlex.split(plan["stages"][0]["command"])
    assert command[command.index("--out") + 1] == "a/x y"
    passed_on = ("processes", "refills=0", "state_share=0", "rows", "runs/reward/model", "honesty", "rules")
    for word in (*passed_on, "--review-rounds"):
        assert (word in command) == (word in words)
    assert json.loads(call(*command[1:], "--dry-run", "--json").stdout) == plan


def test_the_printed_demonstrations_are_played_in_the_number_that_is_planned(call: Call, backend: str) -> None:
    Path("tasks").mkdir()
    for name in ("one", "two"):
        save_task(tiny_task(Path("made") / name, name=name), Path("tasks") / name)
    done = call("train", "plan", "cpu-demo", "--set", "tasks.train=tasks", "--set", "sft.demonstrations=1", "--json")
    demonstrations, sft, *_ = json.loads(done.stdout)["stages"]
    assert demonstrations["episodes"] == sft["episodes"] == 1
    words = shlex.split(demonstrations["command"])[1:]
    done = call(*words, "--backend", backend)
    assert done.exit_code == 0, done.output
    assert len(EpisodeStore(Path("runs/cpu-demo/demonstrations")).summaries()) == 1


@pytest.mark.parametrize("words", [("--engine", "processes"), ("--sampler", "vllm:http://127.0.0.1:8000")])
@pytest.mark.parametrize("name", ["cpu-demo", "one-gpu-0.5b", "node-32b"])
def test_what_a_run_takes_a_dry_run_takes_too(call: Call, name: str, words: tuple[str, ...]) -> None:
    done = call("train", "grpo", "--run-preset", name, *words, "--out", "x", "--dry-run", "--json")
    assert done.exit_code == 0, done.output
    sampler = json.loads(done.stdout)["settings"]["sampler"]
    assert sampler["url"] == ("http://127.0.0.1:8000" if "--sampler" in words else "")
    assert sampler["kind"] == ("vllm" if "--sampler" in words or name == "node-32b" else "transformers")


def test_what_a_preset_asks_for_and_a_run_has_not_is_said_at_once(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    words = ("train", "grpo", "--run-preset", "node-32b", "--out", "x")
    done = call(*words)
    said = " ".join(done.stderr.split())
    assert done.exit_code == 2 and said.startswith("error: node-32b: `train grpo` cannot do all of it (sampler.mode=")
    assert "--sampler vllm:URL" in said and "rollouts.kind=ray" in said
    said = " ".join(call(*words, "--sampler", "vllm:http://127.0.0.1:8000").stderr.split())
    assert "rollouts.kind=ray" in said and "sampler.mode" not in said
    monkeypatch.setenv("WORLD_SIZE", "1")
    done = call(*words, "--sampler", "vllm:http://127.0.0.1:8000", "--engine", "processes")
    assert "trains in 4 processes, this is one of 1" in " ".join(done.stderr.split()), "nothing else is lacking"


def test_a_colocated_sampler_takes_the_share_that_was_planned(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {}

    def train_grpo(*_: Any, local: LocalSettings, **__: Any) -> Path:
        given["share"] = local.gpu_memory_share
        raise TrainingError("enough")

    monkeypatch.setattr("journeyman.training.grpo.train_grpo", train_grpo)
    words = ("train", "grpo", "--run-preset", "one-gpu-4b-lora", "--tasks", "till-line-rounding", "--out", "x")
    assert "enough" in call(*words).stderr and given == {"share": 0.45}
    assert "enough" in call(*words, "--gpu-memory-share", "0.5").stderr and given == {"share": 0.5}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "plan", "cpu-dmo"), "did you mean cpu-demo?"),
        (("train", "plan", "nowhere.yaml"), "nowhere.yaml: cannot be read (No such file or directory)"),
        (("train", "plan", "cpu-demo", "--set", "grpo.stepz=1"), "grpo.stepz: there is no such setting"),
        (("train", "plan", "cpu-demo", "--set", "model.name=a/b"), "nothing is known of a/b"),
        (("train", "plan", "cpu-demo", "--accelerate-config", "/proc/nowhere/x"), "/proc/nowhere/x: cannot be written"),
        (("train", "grpo", "--dry-run", "--out", "x"), "--dry-run needs a --run-preset"),
        (("train", "grpo", "--run-preset", "huge", "--out", "x"), "no run preset 'huge'"),
        (("train", "grpo", "--run-preset", "cpu-demo", "--micro-batch", "5", "--dry-run", "--out", "x"),
         "grpo.micro_batch: 24 episodes a step"),
        (("train", "grpo", "--run-preset", "mine.yaml", "--out", "x"), "trains in 2 processes, this is one of 1"),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_line(call: Call, words: tuple[str, ...], said: str) -> None:
    two = ["hardware: {gpus: 2, gpu_memory_gib: 80, memory_gib: 64, cpus: 8}", "launch: {processes: 2}"]
    text = (FOLDER / "cpu-demo.yaml").read_text().replace("tasks_per_step: 3", "tasks_per_step: 4").splitlines()
    Path("mine.yaml").write_text("\n".join([row for row in text if not row.startswith("hardware")] + two))
    done = call(*words)
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr and not Path("x").exists()


@pytest.mark.slow
def test_a_run_takes_the_presets_settings_but_for_those_that_were_typed(
    call: Call, task_folder: Path, backend: str
) -> None:
    done = call("train", "grpo", "--run-preset", "cpu-demo", "--model", "tiny", "--tasks", task_folder, "--steps", "1",
                "--tasks-per-step", "1", "--group-size", "2", "--micro-batch", "2", "--backend", backend,
                "--out", "x")  # fmt: skip
    assert done.exit_code == 0, done.output
    settings = json.loads(Path("x/settings.json").read_text())
    assert (settings["steps"], settings["group_size"], settings["concurrency"]) == (1, 2, 16)
    assert settings["local"]["max_turn_tokens"] == 64, "as meeting small has it"
