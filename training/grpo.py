"""Group-relative policy optimisation (Shao et al. 2024, arXiv:2402.03300) on episodes, by TRL's trainer.

A group is several episodes of one task, whose actions are credited by what came of them beside the others
(training/credit.py). Following DAPO (Yu et al. 2025, arXiv:2503.14476) and Dr. GRPO (Liu et al. 2025,
arXiv:2503.20783): no KL term, a higher upper clip, groups without a difference replaced (training/groups.py), and no
division by the group's deviation, which would blow small differences up to full strength.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, TrainerCallback, TrainerState
from transformers.trainer import TRAINER_STATE_NAME
from trl.trainer.grpo_trainer import GRPOTrainer

from journeyman.envs.config import EnvConfig
from journeyman.envs.reviews import Reviews
from journeyman.envs.store import EpisodeStore
from journeyman.policies.local_settings import LocalSettings
from journeyman.policies.memory import gives_memory_back, keep_freed_memory
from journeyman.policies.models import computes_in_bfloat16, load_model
from journeyman.policies.rollout_many import LocalEngine
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.sources.likeness import likeness_of
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import RunFolder, TrainingError
from journeyman.training.credit import CreditSettings
from journeyman.training.feedback.learned import RewardUse, Watch, admit
from journeyman.training.finite import Finite
from journeyman.training.groups import Groups, GroupSettings
from journeyman.training.hybrid import HybridSettings
from journeyman.training.judges import Judges
from journeyman.training.lineage import TRAINED_ON, remember
from journeyman.training.monitor import Monitor, Monitors, StepLog
from journeyman.training.outside import Outside
from journeyman.training.prefixes import Prefixes
from journeyman.training.processes import share, this_process
from journeyman.training.progress import Progress, silent
from journeyman.training.reporting import StepReporter
from journeyman.training.reward_log import RewardLog
from journeyman.training.sft import MarkWhole, ProgressCallback, adapters, finish
from journeyman.training.stopwatch import WatchedEngine
from journeyman.training.trackers import trackers
from journeyman.training.trl_rollouts import GroupSampler, make_grpo_trainer
from journeyman.training.whole import step_of

_MOST_RATIO = 4.0


class NoTasksError(TrainingError):
    """There is nothing to train on."""


@dataclass(frozen=True, slots=True)
class GrpoSettings:
    """The defaults suit SmolLM2-135M after SFT on a CPU."""

    steps: int = 8
    """Optimiser steps; each collects new episodes with the newest weights."""
    tasks_per_step: int = 4
    """Groups, of all processes that train together."""
    group_size: int = 8
    learning_rate: float = 5e-6
    temperature: float = 1.0
    clip_low: float = 0.2
    clip_high: float = 0.28
    micro_batch: int = 4
    """Episodes in one forward and backward pass of each process; `tasks_per_step * group_size` must be a multiple."""
    refills: int = 2
    """How often groups in which the grader found no difference are replaced by others in a step, at the most."""
    curriculum: bool = True
    """Whether tasks are drawn by how often they were solved; else at random."""
    from_within: bool = True
    """Whether a task that is too hard as a whole is begun after some steps of its solution."""
    state_share: float = 0.5
    """Of an advantage, how much is decided among episodes that came to the same files; 0 compares whole episodes."""
    learn_from_cut: bool = False
    """Whether episodes that a limit of tokens or time cut off are learned from."""
    milestone_credit: bool = True
    """Whether it is found out which step closed a milestone, so that what came after it is not credited with it."""
    hybrid: HybridSettings | None = field(default_factory=HybridSettings)
    """What training pays beside what the grader decided (training/hybrid.py); None pays that alone."""
    activation_checkpointing: bool = False
    """Whether layers are computed again in the backward pass instead of kept: less memory, and nothing is shared."""
    refresh_every: int = 1
    """Steps for which llama.cpp or vLLM sample with the same weights; what they lag is corrected for."""
    concurrency: int = 16
    """Episodes in flight, of all processes."""
    lora_rank: int = 0
    """0 trains all weights; larger models want 16 or so."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.group_size < 2:
            raise TrainingError("group_size must be at least 2: an episode is compared with the others of its group")
        for name in ("steps", "tasks_per_step", "micro_batch", "concurrency", "refresh_every"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("refills", "lora_rank", "learning_rate", "clip_low", "clip_high"):
            if not 0 <= getattr(self, name) < math.inf:
                raise TrainingError(f"{name} must be 0 or more, not {getattr(self, name)}")
        if not 0 < self.temperature < math.inf:
            raise TrainingError(f"temperature must be above 0, not {self.temperature}: a group must differ")
        if self.tasks_per_step * self.group_size % self.micro_batch:
            raise TrainingError("tasks_per_step * group_size must be a multiple of micro_batch")
        _ = self.groups

    @property
    def groups(self) -> GroupSettings:
        """What of them is about collecting episodes."""
        return GroupSettings(
            size=self.group_size, refills=self.refills, curriculum=self.curriculum, from_within=self.from_within,
            concurrency=self.concurrency, seed=self.seed, credit=CreditSettings(self.state_share, self.learn_from_cut),
            milestone_credit=self.milestone_credit, hybrid=self.hybrid,
        )  # fmt: skip


@gives_memory_back
def train_grpo(
    model: str,
    tasks: Sequence[Task],
    out: Path | str,
    *,
    backend: SandboxFactory,
    settings: GrpoSettings | None = None,
    local: LocalSettings | None = None,
    config: EnvConfig | None = None,
    progress: Progress = silent,
    monitor: Monitor | None = None,
    track: str = "none",
    engine: LocalEngine | None = None,
    outside: Outside | None = None,
    reward: RewardUse | None = None,
    reviews: Reviews | None = None,
) -> Path:
    """Train `model` on `tasks` by GRPO and return the folder of the new model. Every episode is kept in `out/episodes`,
    a line about every step in `out/steps.jsonl`, and what each episode was paid for what in `out/rewards.jsonl`. Run
    again, it resumes at the last checkpoint or is done at once.

    Args:
        monitor: told of each step.
        track: where curves go besides (training/trackers.py).
        engine: where environments are; by default here, and with a GPU, where sampling is Python's work, elsewhere.
        outside: judges the episodes besides the grader, within the bounds of `settings.hybrid`.
        reward: a reward model that has a part in the reward (training/feedback/learned.py).
        reviews: who comments while an episode runs; what becomes of that is paid for as well (training/resolutions.py).

    Raises:
        GateError, DriftAlarmError: the reward model may have no part: not yet, or not any more (the run is saved).
        ModelError, NoTasksError: the model cannot be loaded; `tasks` is empty.
        RunFolderError: `out` holds a run with other settings.
        TrainingError: the model could not play a single episode of a step; or several processes cannot share the work.
    """
    settings, local, config = settings or GrpoSettings(), local or LocalSettings(), config or EnvConfig()
    _ = _batches(settings)  # what cannot be is said before anything is written
    judges = Judges(outside, reward, reviews)
    what = {"model": model, "tasks": _names(tasks), "local": asdict(local), "env": config.to_dict()}
    folder = RunFolder(out, what | judges.settings(settings.hybrid, engine) | asdict(settings))
    if folder.open():
        admit(folder.folder, reward, begun=True)
        return _done_before(folder, settings, progress)
    tracking = trackers(track, folder.folder)
    _begin(folder.folder, model, tasks, reward)
    checkpoint = folder.last_checkpoint()
    resumed_from = step_of(Path(checkpoint)) if checkpoint else 0
    reporter, rewards = _logs(folder.folder, resumed_from, monitor)
    keep_freed_memory()
    weights, tokenizer = load_model(model, to_train=True, frozen=settings.lora_rank > 0)
    engine = WatchedEngine(reporter.watch, judges.engine(engine))
    heard, watch = judges.heard(folder.folder, steps=settings.steps, resumed_from=resumed_from)
    with _groups(tasks, folder, settings, heard, reviews, backend=backend, config=config, engine=engine) as groups:
        sampling = replace(local, temperature=settings.temperature)
        sampler = GroupSampler(groups, tokenizer, sampling, settings.refresh_every, reporter, rewards)
        callbacks = [ProgressCallback(progress), Finite(), MarkWhole(), reporter, *tracking, *watch]
        trainer = _trainer(folder, settings, weights, tokenizer, sampler, callbacks)
        _train(trainer, sampler, checkpoint, settings.steps)
    _finish(trainer, folder, watch)
    return folder.model


def _done_before(folder: RunFolder, settings: GrpoSettings, progress: Progress) -> Path:
    progress(settings.steps, settings.steps, "done before")
    return folder.model


def _begin(run: Path, model: str, tasks: Sequence[Task], reward: RewardUse | None) -> None:
    """Note what a run learns from."""
    with this_process().main_process_first():  # the others find it begun
        admit(run, reward, begun=(run / TRAINED_ON).exists())
        remember(run, map(likeness_of, tasks), model)


def _names(tasks: Sequence[Task]) -> list[str]:
    if not tasks:
        raise NoTasksError("no tasks to train on")
    names = sorted({task.name for task in tasks})
    if len(names) < len(tasks):
        raise TrainingError("two tasks have one name: their episodes could not be told apart")
    return names


def _logs(run: Path, at: int, monitor: Monitor | None) -> tuple[StepReporter, RewardLog]:
    """What a run writes of its steps, cut off where it goes on."""
    steps = StepLog(run, resumed_from=at)
    reporter = StepReporter(Monitors(steps, monitor) if monitor else steps)
    place, places = this_process().process_index, this_process().num_processes
    return reporter, RewardLog(run, resumed_from=at, process=place, processes=places)


def _finish(trainer: GRPOTrainer, folder: RunFolder, watch: Sequence[Watch]) -> None:
    for each in watch:
        each.require_quiet()
    finish(trainer, folder, {"history": _history(trainer.state.log_history)})


@contextlib.contextmanager
def _groups(
    tasks: Sequence[Task],
    folder: RunFolder,
    settings: GrpoSettings,
    outside: Outside | None,
    reviews: Reviews | None,
    *,
    backend: SandboxFactory,
    config: EnvConfig,
    engine: LocalEngine,
) -> Iterator[Groups]:
    """What collects the episodes of a run."""
    run, process = folder.folder, this_process()
    each = replace(settings.groups, concurrency=max(1, settings.concurrency // process.num_processes))
    with EpisodeStore(run / "episodes") as store, engine:
        yield Groups(
            tasks, each, backend=backend, config=config, store=store, engine=engine,
            prefixes=Prefixes(run / "prefixes", backend=backend, config=config),
            place=(process.process_index, process.num_processes),
            name=re.sub(r"[^\w.-]", "_", run.name), outside=outside, reviews=reviews,
        )  # fmt: skip


def _trainer(
    folder: RunFolder, settings: GrpoSettings, weights: Any, tokenizer: Any, sampler: GroupSampler,
    callbacks: list[TrainerCallback],
) -> GRPOTrainer:  # fmt: skip
    """TRL's, which learns from what `sampler` plays."""
    return make_grpo_trainer(
        weights, tokenizer, sampler, peft=adapters(settings.lora_rank), callbacks=callbacks,
        arguments=_arguments(folder, settings, on_cpu=not torch.cuda.is_available()),
    )  # fmt: skip


def _train(trainer: GRPOTrainer, sampler: GroupSampler, checkpoint: str | None, steps: int) -> None:
    """Train to the last step, from the checkpoint on if there is one, and let the sampler go."""
    trainer.remove_callback(PrinterCallback)
    with contextlib.closing(sampler):
        if checkpoint is not None:
            state = TrainerState.load_from_json(f"{checkpoint}/{TRAINER_STATE_NAME}")
            if state.global_step >= steps:
                # Nothing but the end was interrupted, and the trainer would take one more step before it noticed.
                trainer._load_from_checkpoint(checkpoint)
                trainer.state = state
                return
        trainer.train(resume_from_checkpoint=checkpoint)


def _history(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What of TRL's log is worth keeping: a row for each step."""
    kept = (
        "step", "reward", "resolved", "groups/played", "groups/signal_played", "groups/signal", "tokens", "loss",
        "entropy", "clip_ratio/region_mean", "sampler/ratio_mean", "sampler/ratio_off_max",
    )  # fmt: skip
    return [
        {key: value for key, value in entry.items() if key in kept or key.startswith("reward/")}
        for entry in log if "reward" in entry
    ]  # fmt: skip


def _batches(settings: GrpoSettings) -> int:
    """Forward and backward passes that each process does in a step."""
    episodes = share(settings.tasks_per_step, "tasks_per_step") * settings.group_size
    if episodes % settings.micro_batch:
        raise TrainingError(f"micro_batch must divide the {episodes} episodes that each process has in a step")
    return episodes // settings.micro_batch


def _arguments(folder: RunFolder, settings: GrpoSettings, *, on_cpu: bool) -> dict[str, Any]:
    batches = _batches(settings)
    return {
        "output_dir": str(folder.checkpoints),
        "max_steps": settings.steps,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "constant",
        "num_generations": settings.group_size,
        "per_device_train_batch_size": settings.micro_batch,
        # One generation for each optimiser step, so that the weights that sampled (or were rounded to sample,
        # `to_act`) are the weights that learn.
        "gradient_accumulation_steps": batches,
        "steps_per_generation": batches,
        "num_iterations": 1,
        "temperature": settings.temperature,
        "beta": 0.0,
        "epsilon": settings.clip_low,
        "epsilon_high": settings.clip_high,
        # For a token that is made less likely there is no clip above: one that the sampler, with older or coarser
        # weights, found unlikely would decide the whole step.
        "delta": _MOST_RATIO,
        "scale_rewards": "none",
        "loss_type": "dapo",
        "max_grad_norm": 1.0,
        "optim": "adamw_torch_fused",
        "weight_decay": 0.0,
        "activation_checkpointing": settings.activation_checkpointing,
        "use_cpu": on_cpu,
        "bf16": not on_cpu or computes_in_bfloat16(),
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # a loss that is none is none (training/finite.py)
        "save_strategy": "steps",
        "save_steps": max(1, settings.steps // 4),
        "save_total_limit": 2,
        "disable_tqdm": True,
        "report_to": "none",
        "seed": settings.seed,
        "dataloader_pin_memory": not on_cpu,
    }
