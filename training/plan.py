"""What a run preset comes to: its stages in order, with episodes, tokens, time and price, and what doesn't fit."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

from journeyman.training.estimate import GIB, MARGIN, Memory, Part, episode_tokens, memory_of, total
from journeyman.training.model_shape import ModelShape
from journeyman.training.run_options import words_of
from journeyman.training.run_preset import RunPreset, load


@dataclass(frozen=True, slots=True)
class Stage:
    """One command of the run."""

    name: str
    command: str
    episodes: int
    tokens: float
    """Read and written."""
    seconds: Mapping[str, float]
    """By what takes them."""

    @property
    def total_s(self) -> float:
        return sum(self.seconds.values())


@dataclass(frozen=True, slots=True)
class Plan:
    name: str
    run: RunPreset
    shape: ModelShape
    stages: tuple[Stage, ...]
    memory: Memory
    warnings: tuple[str, ...]

    @property
    def hours(self) -> float:
        return sum(stage.total_s for stage in self.stages) / 3600

    @property
    def cost(self) -> float:
        """In the preset's currency: every GPU of the machine, and the machine, for as long as it takes."""
        prices = self.run.prices
        return self.hours * (prices.gpu_hour * self.run.hardware.gpus + prices.machine_hour)

    def to_dict(self) -> dict[str, Any]:
        def parts(found: tuple[Part, ...]) -> dict[str, Any]:
            return {"bytes": total(found), "parts": [asdict(part) for part in found]}

        return {
            "preset": self.name,
            "about": self.run.about,
            "tried": self.run.tried,
            "settings": self.run.model_dump(mode="json"),
            "model": asdict(self.shape) | {"kv_bytes_per_token": self.shape.kv_bytes()},
            "stages": [asdict(stage) | {"total_s": stage.total_s} for stage in self.stages],
            "memory": {
                "peak_bytes": self.memory.peak,
                "training": parts(self.memory.training),
                "sampling": parts(self.memory.sampling),
                "server": parts(self.memory.server),
                "host": parts(self.memory.host),
            },
            "hours": self.hours,
            "cost": self.cost,
            "currency": self.run.prices.currency,
            "warnings": list(self.warnings),
        }


def plan_of(name: str, run: RunPreset, shape: ModelShape, *, grpo: Sequence[str] | None = None) -> Plan:
    """What would run.

    Args:
        name: of the preset, or its file.
        grpo: the other words of its command, where GRPO alone is asked for, of the preset's model as it is; by default
            there are all stages, each with the model of the one before.
    """
    memory = memory_of(run, shape)
    stages = _stages(name, run) if grpo is None else (_grpo(name, run, run.model.name, *grpo),)
    return Plan(name, run, shape, stages, memory, _warnings(run, shape, memory))


def launch_command(name: str, run: RunPreset, words: list[str]) -> str:
    """How a training command is started: by itself, or by accelerate with the preset's config file."""
    line = shlex.join(words)
    if run.launch.processes == 1:
        return f"journeyman {line}"
    return f"accelerate launch --config_file {shlex.quote(config_file(name))} -m journeyman {line}"


def _short(name: str) -> str:
    """A run preset's name, of a file its name without the ending (in which `one-gpu-0.5b` would lose a part)."""
    return PurePosixPath(name).name.removesuffix(".yaml")


def config_file(name: str) -> str:
    """Where the plan says that accelerate's config lies."""
    return f"runs/{_short(name)}/accelerate.yaml"


def _stages(name: str, run: RunPreset) -> tuple[Stage, ...]:
    folder, tasks = f"runs/{_short(name)}", run.tasks
    model, stages = run.model.name, []
    if run.sft:
        demos = f"{folder}/demonstrations"
        stages.append(_demonstrations(run, demos))
        words = ["train", "sft", "--model", model, "--preset", run.meeting, "--episodes", demos,
                 "--out", f"{folder}/sft", "--learning-rate", f"{run.sft.learning_rate:g}",
                 "--epochs", f"{run.sft.epochs:g}",
                 "--batch-size", str(run.sft.batch_size), "--max-length", str(run.sft.max_length),
                 "--lora-rank", str(run.sft.lora_rank)]  # fmt: skip
        stages.append(_sft(run, launch_command(name, run, words)))
        model = f"{folder}/sft/model"
    stages.append(_grpo(name, run, model, "--out", f"{folder}/grpo"))
    limit = ["--limit", str(tasks.evaluate_limit)] if tasks.evaluate_limit else []
    words = ["eval", "--policy", f"local:{folder}/grpo/model", "--tasks", tasks.evaluate, *limit,
             "--preset", run.meeting, *_told(run), "--concurrency", str(run.grpo.concurrency)]  # fmt: skip
    stages.append(_evaluation(run, f"journeyman {shlex.join(words)}"))
    return tuple(stages)


def _told(run: RunPreset) -> list[str]:
    """The guidelines, as a command is given them."""
    return [word for each in run.guidelines for word in ("--guideline", each)]


def _environments_s(run: RunPreset, episodes: int) -> float:
    """Of episodes' environments, as many at once as there are processors and lanes."""
    each = run.assume.grade_s + run.assume.actions * run.assume.action_s
    return episodes * each / min(run.grpo.concurrency, run.hardware.cpus)


def _sampling(run: RunPreset, episodes: int) -> dict[str, float]:
    """Sampling overlaps with environments: what these take longer than it is waited for."""
    read, written = (tokens * episodes for tokens in episode_tokens(run))
    sampling = read / run.assume.read_tokens_per_s + written / run.assume.sample_tokens_per_s
    return {"sampling": sampling, "waiting for environments": max(0.0, _environments_s(run, episodes) - sampling)}


def _demonstrated(run: RunPreset) -> int:
    """So many episodes are shown, one of each task."""
    assert run.sft is not None
    return min(run.sft.demonstrations, run.tasks.train_limit or run.sft.demonstrations)


def _demonstrations(run: RunPreset, out: str) -> Stage:
    episodes = _demonstrated(run)
    # `eval` plays a suite as well as a folder, mixed where it takes some of them, in the environment that sft learns.
    words = ["eval", "--policy", "oracle", "--tasks", run.tasks.train, "--limit", str(episodes),
             "--preset", run.meeting, *_told(run), "--concurrency", str(run.grpo.concurrency),
             "--out", out]  # fmt: skip
    seconds = {"environments": _environments_s(run, episodes)}
    return Stage("demonstrations", f"journeyman {shlex.join(words)}", episodes, 0, seconds)


def _sft(run: RunPreset, command: str) -> Stage:
    assert run.sft is not None
    episodes = _demonstrated(run)
    tokens = episodes * min(sum(episode_tokens(run)), run.sft.max_length) * run.sft.epochs
    return Stage("sft", command, episodes, tokens, {"training": tokens / run.assume.train_tokens_per_s})


def _grpo(name: str, run: RunPreset, model: str, *others: str) -> Stage:
    words = ["train", "grpo", "--run-preset", name, "--model", model, *words_of(run, load(name)), *others]
    episodes = run.grpo.steps * run.grpo.episodes
    tokens = episodes * sum(episode_tokens(run))
    training = tokens * run.assume.trained_share / run.assume.train_tokens_per_s
    return Stage(
        "grpo", launch_command(name, run, words), episodes, tokens, {**_sampling(run, episodes), "training": training}
    )


_SUITE_TASKS = 128
"""An evaluation is reckoned with so many tasks where no limit is set."""


def _evaluation(run: RunPreset, command: str) -> Stage:
    episodes = run.tasks.evaluate_limit or _SUITE_TASKS
    return Stage("eval", command, episodes, episodes * sum(episode_tokens(run)), _sampling(run, episodes))


def _warnings(run: RunPreset, shape: ModelShape, memory: Memory) -> tuple[str, ...]:
    """What doesn't fit, each with what would mend it."""
    hardware, grpo, sampler = run.hardware, run.grpo, run.sampler
    found = []
    room = (hardware.gpu_memory_gib if hardware.gpus else hardware.memory_gib) * GIB
    where = "each of the trainer's GPUs" if hardware.gpus else "the machine"
    if memory.peak > MARGIN * room:
        larger = max(memory.training, memory.sampling, key=total)
        most = max(larger, key=lambda part: part.bytes)
        found.append(
            f"does not fit: {memory.peak / GIB:.1f} GiB on {where}, which has {room / GIB:g}, {MARGIN:.0%} of it to be "
            f"planned with; most of it, {most.bytes / GIB:.1f} GiB, is for {most.what}: {_mend(most.what)}"
        )
    if total(memory.server) > MARGIN * room:
        found.append(
            f"does not fit: {total(memory.server) / GIB:.1f} GiB on each of the sampler's GPUs, which have "
            f"{room / GIB:g}: more sampler.gpus, or fewer grpo.concurrency"
        )
    if hardware.gpus and total(memory.host) > hardware.memory_gib * GIB:
        found.append(f"{total(memory.host) / GIB:.1f} GiB for sandboxes and samplers on a machine with "
                     f"{hardware.memory_gib:g}: fewer grpo.concurrency")  # fmt: skip
    if sampler.kind == "vllm" and sampler.mode == "colocate":
        wanted = grpo.concurrency * run.meets.local.max_episode_tokens * shape.kv_bytes()
        pool = sampler.memory_share * room - 2 * shape.parameters
        if pool < wanted:
            found.append(
                f"vLLM has {max(0.0, pool) / GIB:.1f} GiB for keys and values, {grpo.concurrency} full episodes need "
                f"{wanted / GIB:.1f}: some will wait; more sampler.memory_share, or fewer grpo.concurrency"
            )
    if sampler.gpus and shape.heads % sampler.gpus:
        found.append(f"{shape.heads} attention heads cannot be split over {sampler.gpus} sampler.gpus")
    if grpo.episodes < grpo.concurrency:
        found.append(f"{grpo.episodes} episodes a step leave lanes empty: grpo.concurrency is {grpo.concurrency}")
    if sum(episode_tokens(run)) >= run.meets.local.max_episode_tokens:
        found.append(f"episodes as assumed reach the cap of {run.meets.local.max_episode_tokens} tokens of "
                     f"meeting {run.meeting}")  # fmt: skip
    return tuple(found)


def _mend(what: str) -> str:
    mends = {
        "activations": "fewer grpo.micro_batch, or launch.activation_checkpointing",
        "logits": "fewer grpo.micro_batch",
        "KV cache": "fewer grpo.concurrency",
        "sandboxes": "fewer grpo.concurrency",
        "vLLM, all the time": "less sampler.memory_share",
        "optimiser": "grpo.lora_rank 16, or launch.sharding over more processes",
        "weights": "a smaller model, or launch.sharding over more processes",
        "gathered weights": "a smaller model",
    }
    return mends.get(what, "a smaller model")
