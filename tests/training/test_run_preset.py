"""Run presets: those that come along are sound, and one that can't work is said in one line."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from journeyman.training.grpo import GrpoSettings
from journeyman.training.presets import PRESETS
from journeyman.training.run_preset import FOLDER, Grpo, RunPresetError, Sft, load, names
from journeyman.training.sft import SftSettings


def test_those_of_the_package_are_read_and_name_what_there_is() -> None:
    assert names() == ["cpu-demo", "node-32b", "one-gpu-0.5b", "one-gpu-4b-lora"]
    assert not set(names()) & set(PRESETS), "a run preset is no meeting preset"
    for name in names():
        run = load(name)
        assert run.meets is PRESETS[run.meeting]
        assert run.tried and run.assume.source


def test_settings_are_called_as_training_calls_them() -> None:
    assert set(Grpo.model_fields) <= {field.name for field in fields(GrpoSettings)}
    assert set(Sft.model_fields) - {"demonstrations"} <= {field.name for field in fields(SftSettings)}


def test_a_file_of_ones_own_and_other_values(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text((FOLDER / "cpu-demo.yaml").read_text())
    assert load(str(path)) == load("cpu-demo")
    changed = load(str(path), ["grpo.steps=4", "grpo.learning_rate=1e-4", "prices.currency=EUR", "sft=null"])
    assert (changed.grpo.steps, changed.grpo.learning_rate, changed.prices.currency) == (4, 1e-4, "EUR")
    assert changed.sft is None and load(str(path)).grpo.steps == 3
    path.write_text(path.read_text().replace("{name: smollm2-135m}", "{name: a/b, architecture: {model_type: llama}}"))
    assert load(str(path)).model.architecture
    assert not load(str(path), ["model.name=c/d"]).model.architecture, "it was the other model's"


IMPOSSIBLE = {
    ("cpu-demo", "grpo.stepz=4"): r"grpo\.stepz: there is no such setting; did you mean steps\?",
    ("cpu-demo", "colour=red"): r"colour: there is no such setting; about, tried, hardware,",
    ("cpu-demo", "grpo.steps=many"): r"grpo\.steps: Input should be a valid integer.*, not 'many'",
    ("cpu-demo", "grpo.steps=0"): r"grpo\.steps: Input should be greater than or equal to 1, not 0",
    ("cpu-demo", "grpo.group_size=1"): r"grpo\.group_size: .*greater than or equal to 2",
    ("cpu-demo", "sft.epochs=.inf"): r"sft\.epochs: Input should be a finite number",
    ("cpu-demo", "assume=null"): r"assume: ",
    ("cpu-demo", "assume={}"): r"assume\.source: is missing; Assumptions needs it",
    ("cpu-demo", "sampler.kind=magic"): r"sampler\.kind: Input should be 'transformers', 'llamacpp' or 'vllm'",
    ("cpu-demo", "meeting=huge"): r"meeting: there are small, medium",
    ("cpu-demo", "grpo.micro_batch=5"): r"grpo\.micro_batch: 24 episodes a step .* no multiple of 5",
    ("cpu-demo", "launch.processes=2"): r"launch\.processes: without GPUs the trainer is one process: 1",
    ("cpu-demo", "sampler.kind=vllm"): r"sampler\.kind: vllm needs a GPU",
    ("cpu-demo", "hardware.gpus=1"): r"hardware\.gpu_memory_gib: say how much",
    ("cpu-demo", "sampler.gpus=1"): r"sampler\.gpus: only a vLLM server",
    ("one-gpu-0.5b", "launch.sharding=full"): r"launch\.sharding: one process has nobody to share with",
    ("node-32b", "grpo.tasks_per_step=6"): r"grpo\.tasks_per_step: 4 processes cannot share 6 groups",
    ("node-32b", "launch.sharding=gradients"): r"launch\.sharding: adapters have next to no gradients",
    ("node-32b", "launch.mixed_precision=no"): r"launch\.mixed_precision: ",
    ("node-32b", "sampler.gpus=0"): r"sampler\.gpus: a vLLM server needs GPUs of its own",
    ("node-32b", "sampler.gpus=5"): r"4 trainer processes and 5 GPUs of the sampler need 9 GPUs; hardware\.gpus is 8",
    ("cpu-demo", "sampler.url=http://x"): r"sampler\.url: it is of a vLLM server",
    ("cpu-demo", "grpo.steps"): r"--set grpo\.steps: write it as section\.name=value",
    ("cpu-demo", "=4"): r"write it as section\.name=value",
    ("cpu-demo", "about.length=4"): r"about has no settings of its own",
    ("cpu-demo", "grpo.steps=[1"): r"the value is not YAML",
}


@pytest.mark.parametrize(("asked", "said"), IMPOSSIBLE.items(), ids=[" ".join(asked) for asked in IMPOSSIBLE])
def test_what_cannot_work_is_one_line_with_its_place(asked: tuple[str, str], said: str) -> None:
    name, change = asked
    with pytest.raises(RunPresetError, match=said) as caught:
        load(name, [change])
    assert "\n" not in str(caught.value)
    assert change.partition("=")[0] in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe\x00", "mine.yaml"),
        (b"grpo: {steps: 3", r"mine\.yaml, line \d+: not YAML"),
        (b"- 1", "a run preset is a mapping of sections"),
        (b"", "a run preset is a mapping of sections"),
        (b"!!python/object/apply:os.system ['false']", "not YAML"),
    ],
)
def test_a_file_that_is_none_is_said_in_one_line(tmp_path: Path, text: bytes | None, said: str) -> None:
    path = tmp_path / "mine.yaml"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(RunPresetError, match=said) as caught:
        load(str(path))
    assert "\n" not in str(caught.value)


def test_an_unknown_name_is_corrected() -> None:
    with pytest.raises(RunPresetError, match=r"no run preset 'cpu-dmo': did you mean cpu-demo\? there are"):
        load("cpu-dmo")
    with pytest.raises(RunPresetError, match=r"no run preset '\.\./grpo'"):
        load("../grpo")
    with pytest.raises(RunPresetError, match=r"~nosuch/x\.yaml: there is no such user's home"):
        load("~nosuch/x.yaml")
