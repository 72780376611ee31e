"""Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290) on pairs of episodes, by TRL's trainer.

Of each pair the better episode is made likelier than the worse one, measured against the model as it was. Only what
the policy wrote is in the log-probabilities (training/trl_preferences.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PrinterCallback
from trl.trainer.dpo_config import DPOConfig

from journeyman.policies.memory import gives_memory_back, keep_freed_memory
from journeyman.policies.models import load_model
from journeyman.training.checkpoint import RunFolder, TrainingError
from journeyman.training.finite import Finite
from journeyman.training.preference_rows import PairRow, Rows
from journeyman.training.preference_run import PreferenceRun, arguments, digest, history, split
from journeyman.training.progress import Progress, silent
from journeyman.training.sft import MarkWhole, ProgressCallback, adapters, finish
from journeyman.training.trl_preferences import MaskedDpoTrainer, log_probabilities, pair_columns


@dataclass(frozen=True, slots=True)
class DpoSettings(PreferenceRun):
    """The defaults suit SmolLM2-135M after SFT on a CPU."""

    beta: float = 0.1
    """How dear it is to leave the reference: less lets the model go further."""

    def __post_init__(self) -> None:
        PreferenceRun.__post_init__(self)
        if not 0 < self.beta < math.inf:
            raise TrainingError(f"beta must be above 0, not {self.beta}")


@gives_memory_back
def train_dpo(
    model: str,
    rows: Rows[PairRow],
    out: Path | str,
    settings: DpoSettings | None = None,
    progress: Progress = silent,
) -> Path:
    """Train `model` on pairs and return the folder of the new model. Run again, it resumes or is done at once.

    Raises:
        ModelError: the model cannot be loaded.
        NoPreferencesError: there are no pairs, or none is short enough.
        TrainingError: most of a single task was to be held out.
        RunFolderError: `out` holds a run with other settings.
    """
    settings = settings or DpoSettings()
    kept = rows.within(settings.max_length)
    trained, apart = split(kept.rows, settings)
    folder = RunFolder(out, {"model": model, "rows": digest(kept.rows), **asdict(settings)})
    if folder.open():
        progress(1, 1, "done before")
        return folder.model
    weights, tokenizer = load_model(model, to_train=True, frozen=settings.lora_rank > 0)
    keep_freed_memory()
    trainer = MaskedDpoTrainer(
        model=weights,
        args=DPOConfig(
            **arguments(folder, settings, len(trained), on_cpu=weights.device.type == "cpu"),
            beta=settings.beta,
            precompute_ref_log_probs=True,
        ),
        pad_token_id=tokenizer.pad_token_id,
        progress=progress,
        train_dataset=pair_columns(trained),
        eval_dataset=pair_columns(apart) if apart else None,
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
    told = {**measured, "left_out": kept.left_out, "history": history(trainer.state.log_history)}
    return finish(trainer, folder, told)


def _measure(
    trainer: MaskedDpoTrainer, columns: Dataset, rows: Sequence[PairRow], settings: DpoSettings
) -> dict[str, Any]:
    """How well the model tells better from worse, before and after."""
    count = len(rows)
    after = log_probabilities(trainer, columns, settings.micro_batch, "measure")
    before = [*columns["ref_chosen_logps"], *columns["ref_rejected_logps"]]
    lengths = [max(1, sum(row.sides[side].trained)) for side in (0, 1) for row in rows]
    rewards = [settings.beta * (now - then) for now, then in zip(after, before, strict=True)]
    margins = [chosen - rejected for chosen, rejected in zip(rewards[:count], rewards[count:], strict=True)]

    def likelier(sums: Sequence[float]) -> float:
        each = [value / length for value, length in zip(sums, lengths, strict=True)]
        return sum(a > b for a, b in zip(each[:count], each[count:], strict=True)) / count

    return {
        "pairs": count,
        "tasks": len({row.task for row in rows}),
        "likelier_before": likelier(before),
        "likelier_after": likelier(after),
        "accuracy_after": sum(margin > 0 for margin in margins) / count,
        "margin_after": sum(margins) / count,
    }
