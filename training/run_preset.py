"""Run presets: everything that a training run needs to know, in one YAML file, checked without the hardware.

A preset names what *meets* what (training/presets.py: `small` or `medium`), the model, how it is taught, who samples,
where episodes run, how the trainer is launched, and for which machine all of it is meant. Beside that stand the
assumptions from which time and cost are estimated: each has a name and can be set to what was measured.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from journeyman.training.checkpoint import TrainingError
from journeyman.training.presets import PRESETS, Preset, preset

FOLDER = Path(__file__).resolve().parent / "run_presets"
KNOWN_MODELS = FOLDER.parent / "known_models.yaml"

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class RunPresetError(TrainingError):
    """A run preset is not there, or cannot work; the message names the file, the setting and the mend."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hardware(Section):
    """The machine that it is meant for."""

    gpus: Annotated[int, Field(ge=0)] = 0
    gpu_memory_gib: NotNegative = 0
    """Of each."""
    memory_gib: Positive
    cpus: Count


class Model(Section):
    name: str
    """A hub id, a folder, or a built-in name."""
    architecture: Mapping[str, Any] = {}
    """What its config says (`model_type`, `hidden_size`, …), for a model that is neither a folder nor in
    training/known_models.yaml."""


class Tasks(Section):
    train: str = "starter"
    train_limit: Count | None = None
    evaluate: str = "heldout"
    evaluate_limit: Count | None = None


class Sft(Section):
    """As `journeyman train sft` has it."""

    demonstrations: Count
    """Episodes of the oracle to imitate."""
    learning_rate: Positive = 2e-4
    epochs: Positive = 1.0
    batch_size: Count = 4
    max_length: Count = 1024
    lora_rank: Annotated[int, Field(ge=0)] = 0


class Grpo(Section):
    """As `journeyman train grpo` has it."""

    steps: Count = 8
    tasks_per_step: Count = 4
    group_size: Annotated[int, Field(ge=2)] = 8
    micro_batch: Count = 4
    """Episodes in one forward and backward pass, of each process."""
    concurrency: Count = 16
    learning_rate: Positive = 5e-6
    temperature: Positive = 1.0
    lora_rank: Annotated[int, Field(ge=0)] = 0
    seed: int = 0

    @property
    def episodes(self) -> int:
        """Of one step."""
        return self.tasks_per_step * self.group_size


class Sampler(Section):
    kind: Literal["transformers", "llamacpp", "vllm"] = "transformers"
    mode: Literal["colocate", "server"] = "colocate"
    """Of vLLM: on the trainer's GPUs, or on GPUs of its own."""
    gpus: Annotated[int, Field(ge=0)] = 0
    """Of a vLLM server that runs on this machine."""
    url: str = ""
    """Where a vLLM server answers; on another machine it takes none of the GPUs here."""
    memory_share: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Of each GPU's memory, for a colocated vLLM, which keeps it all the time."""
    bits_per_weight: Positive = 8.5
    """Of llama.cpp's export: 8.5 for Q8_0 (32 weights of 8 bits share a scale of 16), 16 for F16."""


class Rollouts(Section):
    """Where episodes run."""

    kind: Literal["local", "ray"] = "local"
    episode_cpus: Positive = 1.0


class Launch(Section):
    """How the trainer is started: by itself, or by accelerate in several processes, one for each GPU."""

    processes: Count = 1
    sharding: Literal["none", "gradients", "full"] = "none"
    """What FSDP spreads over the processes: nothing (plain data parallel), gradients and optimiser (ZeRO-2), or the
    weights too (ZeRO-3)."""
    mixed_precision: Literal["no", "bf16"] = "no"
    activation_checkpointing: bool = False


class Assumptions(Section):
    """What is taken for granted where nothing was measured yet. Rates are of the whole machine."""

    source: str
    """Where the figures come from."""
    actions: Positive
    """Of an episode."""
    opening_tokens: NotNegative
    """Of the prompt with which an episode begins; a group's shared start is read once."""
    read_tokens: NotNegative
    """Of an observation."""
    written_tokens: Positive
    """Of an action."""
    trained_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Of episodes: those with an advantage, the others are not computed."""
    sample_tokens_per_s: Positive
    """All lanes together."""
    read_tokens_per_s: Positive
    train_tokens_per_s: Positive
    """Forward and backward, read and written tokens alike."""
    action_s: NotNegative
    """What an environment takes for one action, in seconds."""
    grade_s: NotNegative
    """What an episode's opening and grading take, in seconds."""
    sandbox_mib: NotNegative = 150
    """Of an episode in flight."""
    process_gib: NotNegative = 1.0
    """Of each trainer process before it loads a model: interpreter, libraries, on a GPU the CUDA context."""


class Prices(Section):
    currency: str = "USD"
    gpu_hour: NotNegative = 0
    machine_hour: NotNegative = 0
    """Of everything but the GPUs."""


class RunPreset(Section):
    about: str
    """One line: what it is for."""
    tried: str
    """What of it has ever been run, and where."""
    hardware: Hardware
    model: Model
    meeting: str
    """What the model is shown and how it talks: a name of training/presets.py."""
    guidelines: tuple[str, ...] = ()
    """What the policy is told to keep to, in each stage: names of bundled guidelines, or files."""
    tasks: Tasks = Tasks()
    sft: Sft | None = None
    """Left out for a model that solves some tasks without."""
    grpo: Grpo
    sampler: Sampler = Sampler()
    rollouts: Rollouts = Rollouts()
    launch: Launch = Launch()
    assume: Assumptions
    prices: Prices = Prices()

    @property
    def meets(self) -> Preset:
        return preset(self.meeting)

    @property
    def trainer_gpus(self) -> int:
        return self.launch.processes if self.hardware.gpus else 0

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        for wrong, where, what in _impossible(self):
            if wrong:
                raise ValueError(f"{where}: {what}")
        return self


def _impossible(run: RunPreset) -> Sequence[tuple[bool, str, str]]:
    """What cannot be: (whether it is so, the setting, what is wrong and the mend)."""
    grpo, launch, sampler, hardware = run.grpo, run.launch, run.sampler, run.hardware
    at_once = grpo.micro_batch * launch.processes
    server = sampler.kind == "vllm" and sampler.mode == "server"
    taken = run.trainer_gpus + (sampler.gpus if server else 0)
    return (
        (run.meeting not in PRESETS, "meeting", f"there are {', '.join(PRESETS)}"),
        (grpo.episodes % at_once > 0, "grpo.micro_batch",
         f"{grpo.episodes} episodes a step (tasks_per_step * group_size) are no multiple of {at_once} "
         f"(micro_batch * launch.processes)"),
        (hardware.gpus > 0 and hardware.gpu_memory_gib == 0, "hardware.gpu_memory_gib",
         "say how much memory each GPU has"),
        (hardware.gpus == 0 and launch.processes > 1, "launch.processes", "without GPUs the trainer is one process: 1"),
        (grpo.tasks_per_step % launch.processes > 0, "grpo.tasks_per_step",
         f"{launch.processes} processes cannot share {grpo.tasks_per_step} groups: take a multiple"),
        (run.sft is not None and run.sft.batch_size % launch.processes > 0, "sft.batch_size",
         f"{launch.processes} processes cannot share a batch: take a multiple"),
        (launch.sharding != "none" and launch.processes == 1, "launch.sharding",
         "one process has nobody to share with: none, or more launch.processes"),
        (launch.sharding == "gradients" and grpo.lora_rank > 0, "launch.sharding",
         "adapters have next to no gradients to share: full spreads the weights, none keeps them whole"),
        (launch.sharding != "none" and launch.mixed_precision == "no", "launch.mixed_precision",
         "sharded training is set up for bf16"),
        (sampler.kind == "vllm" and hardware.gpus == 0 and not sampler.url, "sampler.kind",
         "vllm needs a GPU; on processors take transformers or llamacpp"),
        (server and sampler.gpus == 0 and not sampler.url, "sampler.gpus",
         "a vLLM server needs GPUs of its own: 1 or more, or sampler.url where it is on another machine"),
        (sampler.url != "" and not server, "sampler.url",
         "it is of a vLLM server: sampler.kind vllm, sampler.mode server"),
        (not server and sampler.gpus > 0, "sampler.gpus",
         "only a vLLM server has GPUs of its own: 0, or sampler.kind vllm and sampler.mode server"),
        (taken > hardware.gpus > 0, "launch.processes",
         f"{launch.processes} trainer processes and {sampler.gpus if server else 0} GPUs of the sampler need {taken} "
         f"GPUs; hardware.gpus is {hardware.gpus}: set that too, where the machine has them"),
    )  # fmt: skip


def names() -> list[str]:
    """The presets that come along."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(name: str, changes: Sequence[str] = ()) -> RunPreset:
    """A preset that comes along, or one in a file (a name that ends in .yaml or .yml).

    Args:
        changes: settings to be taken instead, as "grpo.steps=4".

    Raises:
        RunPresetError: there is none, it cannot be read, or it cannot work.
    """
    is_file = name.endswith((".yaml", ".yml"))
    try:
        path = Path(name).expanduser() if is_file else FOLDER / f"{name}.yaml"
    except RuntimeError as error:  # "~nobody"
        raise RunPresetError(f"{name}: there is no such user's home") from error
    if not is_file and name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise RunPresetError(f"no run preset {name!r}: {hint}there are {', '.join(names())}, or give a .yaml file")
    settings = _read(path)
    for change in changes:
        _change(settings, change)
    if any(change.startswith("model.name=") for change in changes) and "model.architecture" not in str(changes):
        settings["model"].pop("architecture", None)  # it was the other model's
    try:
        return RunPreset.model_validate(settings)
    except ValidationError as error:
        shown = name if not changes else f"{name} with --set {' --set '.join(changes)}"
        raise RunPresetError(f"{shown}: {_said(error)}") from error


def known_architectures() -> dict[str, dict[str, Any]]:
    """Of models that are named by a hub id or are made on first use: what their configs say, by name."""
    known: dict[str, dict[str, Any]] = yaml.safe_load(KNOWN_MODELS.read_text())
    return known


def _read(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise RunPresetError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise RunPresetError(f"{path}{where}: not YAML ({getattr(error, 'problem', None) or 'unreadable'})") from error
    if not isinstance(settings, dict):
        raise RunPresetError(f"{path}: a run preset is a mapping of sections, such as `grpo:`")
    return settings


def _change(settings: dict[str, Any], change: str) -> None:
    """Set one value, given as "section.name=value"."""
    path, equals, value = change.partition("=")
    *sections, name = path.strip().split(".")
    if not equals or not name or not all(sections):
        raise RunPresetError(f"--set {change}: write it as section.name=value, such as grpo.steps=4")
    at = settings
    for section in sections:
        inner = at.get(section)
        if inner is None:
            inner = at[section] = {}
        if not isinstance(inner, dict):
            raise RunPresetError(f"--set {change}: {section} has no settings of its own")
        at = inner
    try:
        at[name] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise RunPresetError(f"--set {change}: the value is not YAML") from error


def _said(error: ValidationError) -> str:
    """The first thing that is wrong, on one line."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    where = ".".join(path)
    if first["type"] == "extra_forbidden":
        there = list(_section(path[:-1]).model_fields)
        near = difflib.get_close_matches(path[-1], there, n=1)
        return f"{where}: there is no such setting; " + (f"did you mean {near[0]}?" if near else f"{', '.join(there)}")
    if first["type"] == "missing":
        return f"{where}: is missing; {_section(path[:-1]).__name__} needs it"
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}, not {first['input']!r}" if where else message


_SECTIONS: dict[str, type[BaseModel]] = {
    "hardware": Hardware, "model": Model, "tasks": Tasks, "sft": Sft, "grpo": Grpo, "sampler": Sampler,
    "rollouts": Rollouts, "launch": Launch, "assume": Assumptions, "prices": Prices,
}  # fmt: skip


def _section(path: Sequence[str]) -> type[BaseModel]:
    """The class that holds a setting's section; the whole preset's for none."""
    return _SECTIONS.get(path[0], RunPreset) if path else RunPreset
