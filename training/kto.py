"""KTO (Ethayarajh et al. 2024, arXiv:2402.01306) on episodes that are desirable or not, by TRL's trainer.

It needs no pairs: an episode that solved its task and one of another task that did not are both of use. Only what the
policy wrote is in the log-probabilities (training/trl_preferences.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from datasets import Dataset
from transformers import PrinterCallback
from trl.trainer.kto_config import KTOConfig

from journeyman.policies.memory import gives_memory_back, keep_freed_memory
from journeyman.policies.models import load_model
from journeyman.training.checkpoint import RunFolder, TrainingError
from journeyman.training.finite import Finite
from journeyman.training.preference_rows import LabelRow, Rows
from journeyman.training.preference_run import PreferenceRun, arguments, digest, history, split
from journeyman.training.preferences import NoPreferencesError, balanced_weights
from journeyman.training.progress import Progress, silent
from journeyman.training.sft import MarkWhole, ProgressCallback, adapters, finish
from journeyman.training.trl_preferences import MaskedKtoTrainer, label_columns, log_probabilities


@dataclass(frozen=True, slots=True)
class KtoSettings(PreferenceRun):
    """The defaults suit SmolLM2-135M after SFT on a CPU."""

    micro_batch: int = 4
    """Rows in one forward and backward pass, at least 2: the KL term is estimated by a row's neighbours."""
    beta: float = 0.1
    """How dear it is to leave the reference: less lets the model go further."""

    def __post_init__(self) -> None:
        PreferenceRun.__post_init__(self)
        if not 0 < self.beta < math.inf:
            raise TrainingError(f"beta must be above 0, not {self.beta}")
        if self.micro_batch < 2:
            raise TrainingError("the micro batch must be at least 2: the KL term is estimated by a row's neighbours")


@gives_memory_back
def train_kto(
    model: str,
    rows: Rows[LabelRow],
    out: Path | str,
    settings: KtoSettings | None = None,
    progress: Progress = silent,
) -> Path:
    """Train `model` on labelled episodes and return the folder of the new model. Run again, it resumes or is done.

    Raises:
        ModelError: the model cannot be loaded.
        NoPreferencesError: there are no desirable or no undesirable episodes to train on, or none short enough.
        TrainingError: most of a single task was to be held out.
        RunFolderError: `out` holds a run with other settings.
    """
    settings = settings or KtoSettings()
    kept = rows.within(settings.max_length)
    trained, apart = split(kept.rows, settings)
    good = sum(row.desirable for row in trained)
    if not 0 < good < len(trained):
        raise NoPreferencesError(f"of {len(trained)} episodes to train on {good} are desirable: it takes both kinds")
    Random(settings.seed).shuffle(trained)  # TRL goes through them in order, for the sake of the KL term
    folder = RunFolder(out, {"model": model, "rows": digest(kept.rows), **asdict(settings)})
    if folder.open():
        progress(1, 1, "done before")
        return folder.model
    weights, tokenizer = load_model(model, to_train=True, frozen=settings.lora_rank > 0)
    keep_freed_memory()
    desirable, undesirable = balanced_weights(good, len(trained) - good)
    trainer = MaskedKtoTrainer(
        model=weights,
        args=KTOConfig(
            **arguments(folder, settings, len(trained), on_cpu=weights.device.type == "cpu"),
            beta=settings.beta,
            desirable_weight=desirable,
            undesirable_weight=undesirable,
            precompute_ref_log_probs=True,
        ),
        pad_token_id=tokenizer.pad_token_id,
        progress=progress,
        train_dataset=label_columns(trained, settings.micro_batch),
        eval_dataset=label_columns(apart, settings.micro_batch) if apart else None,
        processing_class=tokenizer,
        peft_config=adapters(settings.lora_rank),
        callbacks=[ProgressCallback(progress), Finite(), MarkWhole()],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=folder.last_checkpoint())
    measured = {
        "trained": _measure(trainer, trainer.train_dataset, trained, settings),
        "held_out": _measure(trainer, trainer.eval_dataset, apart, settings) if apart else None,
    }
    weighted = {"desirable_weight": desirable, "undesirable_weight": undesirable}
    told = {**measured, **weighted, "left_out": kept.left_out, "history": history(trainer.state.log_history)}
    return finish(trainer, folder, told)


def _measure(
    trainer: MaskedKtoTrainer, columns: Dataset, rows: Sequence[LabelRow], settings: KtoSettings
) -> dict[str, Any]:
    """How far the model has gone towards the desirable ones and away from the others."""
    after = log_probabilities(trainer, columns, settings.micro_batch, "measure")
    rewards = [settings.beta * (now - then) for now, then in zip(after, columns["ref_logps"], strict=True)]
    kinds = {kind: [r for r, row in zip(rewards, rows, strict=True) if row.desirable is kind] for kind in (True, False)}
    pairs = [good > bad for good in kinds[True] for bad in kinds[False]]
    return {
        "episodes": len(rows),
        "tasks": len({row.task for row in rows}),
        "desirable": len(kinds[True]),
        "desirable_reward_after": _mean(kinds[True]),
        "undesirable_reward_after": _mean(kinds[False]),
        "accuracy_after": _mean(pairs),
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
