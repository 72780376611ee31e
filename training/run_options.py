"""The options of `journeyman train grpo` and the settings of a run preset that say the same, both ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from journeyman.training.run_preset import RunPreset

OPTIONS = {
    "model": "model.name", "preset": "meeting", "guideline": "guidelines",
    "tasks": "tasks.train", "limit": "tasks.train_limit",
    **{name: f"grpo.{name}" for name in (
        "steps", "tasks_per_step", "group_size", "micro_batch", "concurrency", "learning_rate", "temperature",
        "lora_rank", "seed")},
    "sampler": "sampler.kind", "gpu_memory_share": "sampler.memory_share",
    "activation_checkpointing": "launch.activation_checkpointing",
}  # fmt: skip
"""By an option's name: where a run preset says the same. A sampler "vllm:URL" is sampler.url too."""


def options_of(run: RunPreset) -> dict[str, Any]:
    """The options that say what a preset does; those that it leaves open are left out."""
    settings = run.model_dump()
    found: dict[str, Any] = dict.fromkeys(OPTIONS, settings)
    for option, path in OPTIONS.items():
        for part in path.split("."):
            found[option] = found[option][part]
    if run.sampler.url:
        found["sampler"] = f"{run.sampler.kind}:{run.sampler.url}"
    return {option: value for option, value in found.items() if value is not None and value != ()}


def words_of(run: RunPreset, before: RunPreset) -> list[str]:
    """What to type beside a preset for its changed settings. The model is left out: a command always names its own."""
    old, words = options_of(before), []
    for option, value in options_of(run).items():
        flag = option.replace("_", "-")
        if option == "model" or old.get(option) == value:
            continue
        if option == "guideline":
            words += [word for each in value for word in ("--guideline", str(each))]
        elif isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", str(value)]
    return words


def changes_of(options: Mapping[str, Any]) -> list[str]:
    """Options as changes of a preset, each "section.name=value"."""
    changes = {OPTIONS[option]: value for option, value in options.items()}
    kind, _, url = str(options.get("sampler", "")).partition(":")
    if url:
        changes |= {"sampler.kind": kind, "sampler.mode": "server", "sampler.url": url}
    return [f"{path}={json.dumps(value)}" for path, value in changes.items()]
