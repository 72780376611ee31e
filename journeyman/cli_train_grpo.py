"""`journeyman train grpo`: a model learns from its own episodes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from journeyman.cli_common import (
    FAILED,
    CannotError,
    GuidelineOption,
    JsonOption,
    example,
    finite,
    say_error,
    with_guidelines,
)
from journeyman.cli_faults import FaultRateOption, FaultsOption, with_faults
from journeyman.cli_run_review import NOBODY, PERSON, ReviewOption, RoundsOption, reviews_of
from journeyman.cli_train import (
    BackendOption,
    LimitOption,
    LoraOption,
    ModelOption,
    OutOption,
    PresetOption,
    SeedOption,
    TasksOption,
    TrackOption,
    app,
    gather_tasks,
    needs_training,
    reporting,
    say_trained,
)
from journeyman.cli_train_feedback import FeedbackOption, noting_voices, voices
from journeyman.cli_train_plan import DryRunOption, RunPresetOption, require_launched, say_changed_plan
from journeyman.envs.reviews import Reviews
from journeyman.live import watching
from journeyman.policies.job import NO_REVIEWS
from journeyman.policies.rollout_many import LocalEngine, ProcessEngine
from journeyman.sandbox.backends import open_backend
from journeyman.training.feedback.drift import DriftAlarmError
from journeyman.training.monitor import read_steps
from journeyman.training.overrides import with_changes
from journeyman.training.presets import Preset
from journeyman.training.presets import preset as preset_named

if TYPE_CHECKING:
    from journeyman.training.feedback.learned import RewardUse

EnginesOption = Annotated[
    str, typer.Option("--engine", help="Where environments are: local, processes, or auto (processes with a GPU).")
]
SamplerOption = Annotated[str, typer.Option(help="What samples: transformers, llamacpp, vllm, or vllm:URL.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Another setting, as refills=0 or hybrid.cost=0; again for more."),
]

RecomputeOption = Annotated[bool, typer.Option(help="Compute layers again in the backward pass: less memory.")]
GpuShareOption = Annotated[float, typer.Option(min=0.01, max=0.99, help="Of the GPU's memory, for --sampler vllm.")]
RewardModelOption = Annotated[
    Path | None,
    typer.Option(help="A reward model (OUT/model of `train reward`) that has a bounded part in the reward; watched."),
]


@app.command(
    epilog=example(
        "journeyman train grpo --model runs/sft/model --tasks starter --limit 64 --out runs/grpo",
        "journeyman train grpo --model runs/sft/model --set state_share=0 --set hybrid=none --out runs/plain",
        "journeyman train grpo --run-preset cpu-demo --steps 4 --out runs/grpo --dry-run",
    )
)
def grpo(
    ctx: typer.Context,
    out: OutOption,
    run_preset: RunPresetOption = None,
    model: ModelOption = "smollm2-135m",
    tasks: TasksOption = "starter",
    limit: LimitOption = None,
    preset: PresetOption = "small",
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps.")] = 8,
    tasks_per_step: Annotated[int, typer.Option(min=1, help="Groups in one optimiser step.")] = 4,
    group_size: Annotated[int, typer.Option(min=2, help="Episodes of one task that are compared.")] = 8,
    learning_rate: Annotated[float, typer.Option(min=0, callback=finite, help="Constant.")] = 5e-6,
    temperature: Annotated[float, typer.Option(min=0.01, callback=finite, help="Of the sampling.")] = 1.0,
    micro_batch: Annotated[int, typer.Option(min=1, help="Episodes in one forward and backward pass.")] = 4,
    concurrency: Annotated[int, typer.Option(min=1, help="Episodes in flight.")] = 16,
    lora_rank: LoraOption = 0,
    activation_checkpointing: RecomputeOption = False,
    settings: SetOption = None,
    guideline: GuidelineOption = None,
    faults: FaultsOption = None,
    fault_rate: FaultRateOption = None,
    feedback: FeedbackOption = None,
    reward_model: RewardModelOption = None,
    review: ReviewOption = NOBODY,
    review_rounds: RoundsOption = 3,
    sampler: SamplerOption = "transformers",
    gpu_memory_share: GpuShareOption = 0.3,
    engine: EnginesOption = "auto",
    backend: BackendOption = "auto",
    seed: SeedOption = 0,
    track: TrackOption = "none",
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model on its own episodes, rewarded by the grader, by TRL's GRPO."""
    if dry_run:
        say_changed_plan(ctx, run_preset, as_json)
        return
    require_launched(ctx, run_preset)
    needs_training()
    from journeyman.training.grpo import GrpoSettings, train_grpo

    chosen = _chosen(preset, guideline, faults, fault_rate)
    recipe = GrpoSettings(
        steps=steps, tasks_per_step=tasks_per_step, group_size=group_size, learning_rate=learning_rate,
        temperature=temperature, micro_batch=micro_batch, concurrency=concurrency, lora_rank=lora_rank, seed=seed,
        activation_checkpointing=activation_checkpointing,
    )  # fmt: skip
    recipe = with_changes(recipe, settings or ())
    with reporting() as stage:
        found = gather_tasks(tasks, limit, stage("Tasks"))
    with watching(str(out), read_steps(out)) as monitor, _stopped_by_alarm(), noting_voices(out, feedback):
        folder = train_grpo(
            model, found, out, backend=open_backend(backend), settings=recipe, reviews=_reviews(review, review_rounds),
            local=replace(chosen.local, sampler=sampler, gpu_memory_share=gpu_memory_share), config=chosen.env,
            outside=voices(feedback), engine=_engine(engine, review), monitor=monitor, track=track,
            reward=_reward(reward_model),
        )  # fmt: skip
    say_trained(folder, as_json)


def _chosen(name: str, guideline: list[str] | None, faults: str | None, rate: float | None) -> Preset:
    """A preset with what was asked for besides. Raises TrainingError, GuidelineError, CannotError."""
    found = preset_named(name)
    return replace(found, env=with_faults(with_guidelines(found.env, guideline), faults, rate))


@contextmanager
def _stopped_by_alarm() -> Iterator[None]:
    """An alarm is no fault of the command: it did its work, and the answer is that the reward model is not sound."""
    try:
        yield
    except DriftAlarmError as alarm:
        say_error(str(alarm))
        raise typer.Exit(FAILED) from None


def _reward(model: Path | None) -> RewardUse | None:
    """The part that a reward model has."""
    from journeyman.training.feedback.learned import RewardUse

    return RewardUse(model) if model is not None else None


def _reviews(spec: str, rounds: int) -> Reviews | None:
    """Who comments while the episodes run.

    Raises:
        CannotError: there is no such reviewer, or it is a person.
    """
    if spec == PERSON:
        raise CannotError("--review terminal: nobody is asked while a model trains; give a reviewer that is a program")
    return reviews_of(spec, rounds, after_changes=False, every=0, alone=False)


def _engine(name: str, review: str) -> LocalEngine | None:
    """None leaves it to the trainer, which knows where the model is."""
    known = {"auto": lambda: None, "local": LocalEngine, "processes": ProcessEngine}
    if name not in known:
        raise CannotError(f"--engine {name}: the model samples in this process, so it is one of {', '.join(known)}")
    if name == "processes" and review != NOBODY:
        raise CannotError(f"--engine {name}: {NO_REVIEWS}")
    return known[name]()
