"""What the runs of DPO, KTO and the reward model have in common: their settings, arguments, and rows held out."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from journeyman.policies.models import computes_in_bfloat16
from journeyman.training.checkpoint import RunFolder, TrainingError
from journeyman.training.preference_rows import LabelRow, PairRow
from journeyman.training.preferences import Preference, held_out_tasks
from journeyman.training.processes import share

_Row = TypeVar("_Row", PairRow, LabelRow, Preference)


@dataclass(frozen=True, slots=True)
class PreferenceRun:
    """How a model is trained on preferences. The defaults suit a small model after SFT, on a CPU."""

    learning_rate: float = 5e-6
    epochs: float = 1.0
    batch_size: int = 8
    """Rows (pairs, or labelled episodes) in one optimiser step."""
    micro_batch: int = 2
    """Rows in one forward and backward pass; `batch_size` must be a multiple of it."""
    max_length: int = 1024
    """Rows with a longer episode are left out, not cut. In tokens."""
    lora_rank: int = 0
    """0 trains all weights; larger models want 16 or so."""
    held_out: float = 0.2
    """Share of the tasks whose rows are not trained on, but measured."""
    seed: int = 0
    checkpoints: int = 4
    """How often the run is saved for resuming, evenly spread."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "micro_batch", "max_length"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("learning_rate", "epochs", "lora_rank", "checkpoints"):
            if not 0 <= getattr(self, name) < math.inf:
                raise TrainingError(f"{name} must be 0 or more, not {getattr(self, name)}")
        if self.batch_size % self.micro_batch:
            raise TrainingError(
                f"the batch of {self.batch_size} must be a multiple of the micro batch of {self.micro_batch}"
            )
        if not 0 <= self.held_out < 1:
            raise TrainingError(f"the share held out must be at least 0 and below 1, not {self.held_out:g}")


def split(rows: Sequence[_Row], settings: PreferenceRun) -> tuple[list[_Row], list[_Row]]:
    """Rows to train on, and those of the tasks that are held out."""
    apart = held_out_tasks((row.task for row in rows), settings.held_out, settings.seed)
    return [row for row in rows if row.task not in apart], [row for row in rows if row.task in apart]


def arguments(folder: RunFolder, settings: PreferenceRun, rows: int, *, on_cpu: bool) -> dict[str, Any]:
    """For any of TRL's configurations."""
    steps = max(1, math.ceil(rows * settings.epochs / settings.batch_size))
    return {
        "output_dir": str(folder.checkpoints),
        "learning_rate": settings.learning_rate,
        "num_train_epochs": settings.epochs,
        "per_device_train_batch_size": settings.micro_batch,
        "per_device_eval_batch_size": settings.micro_batch,
        "gradient_accumulation_steps": share(settings.batch_size // settings.micro_batch, "batch_size / micro_batch"),
        "lr_scheduler_type": "linear",
        "warmup_steps": steps // 10,  # none in a short run: the first step of a warm-up moves nothing
        "optim": "adamw_torch_fused",
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "max_length": None,  # longer rows were left out before
        "activation_checkpointing": False,
        "use_cpu": on_cpu,
        "bf16": not on_cpu or computes_in_bfloat16(),
        "save_strategy": "steps",
        "save_steps": max(1, steps // (settings.checkpoints + 1)),
        "save_total_limit": 2,
        "logging_steps": max(1, steps // 50),
        "logging_nan_inf_filter": False,  # a loss that is none is none (training/finite.py)
        "disable_tqdm": True,
        "report_to": "none",
        "remove_unused_columns": False,
        "seed": settings.seed,
        "dataloader_pin_memory": not on_cpu,
    }


def digest(rows: Sequence[PairRow | LabelRow]) -> str:
    """Of what is trained on: a run in a folder is the same only with the same rows."""
    found = hashlib.sha256()
    for row in rows:
        desirable = row.desirable if isinstance(row, LabelRow) else None
        said = [[row.task, side.ids, side.trained, desirable] for side in row.sides]
        found.update(json.dumps(said).encode())
    return found.hexdigest()[:16]


def history(log: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What of TRL's log is worth keeping: a row for each step that was logged."""
    kept = ("step", "loss", "rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies", "kl",
            "accuracy", "margin")  # fmt: skip
    return [{key: entry[key] for key in kept if key in entry} for entry in log if "loss" in entry]
