"""Supervised fine-tuning on episodes, by TRL's trainer; only the policy's own tokens enter the loss."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import compress
from pathlib import Path
from typing import Any, cast

import torch
from datasets import Dataset
from peft import LoraConfig
from torch.nn.functional import cross_entropy
from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from journeyman.envs.episode import Episode
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect
from journeyman.policies.memory import gives_memory_back, keep_freed_memory
from journeyman.policies.models import computes_in_bfloat16, load_model, load_tokenizer
from journeyman.policies.weights import merged, whole_weights
from journeyman.tasks.sources.likeness import Likeness
from journeyman.training.checkpoint import RunFolder, TrainingError
from journeyman.training.feedback.compiled import Imitated
from journeyman.training.finite import Finite
from journeyman.training.lean_head import logits_before
from journeyman.training.lineage import remember
from journeyman.training.packing import Collator, packed, require_apart
from journeyman.training.processes import share, this_process
from journeyman.training.progress import Progress, silent
from journeyman.training.tokens import IGNORED, TokenRow, demonstration
from journeyman.training.trackers import trackers
from journeyman.training.whole import mark_whole


class NoRowsError(TrainingError):
    """There is nothing to train on."""


@dataclass(frozen=True, slots=True)
class SftSettings:
    """The defaults suit SmolLM2-135M on a CPU: all weights, float32, small batches."""

    learning_rate: float = 2e-4
    epochs: float = 1.0
    batch_size: int = 4
    """Episodes in one optimiser step, of all processes; with packing, rows of packed episodes."""
    max_length: int = 1024
    """Longer episodes are left out, not cut: half an episode teaches to stop early. In tokens."""
    lora_rank: int = 0
    """0 trains all weights; larger models want 16 or so."""
    decisive_weight: float = 4.0
    """How often a token counts that decides in an edit (training/emphasis.py); 1 weighs all alike. Training in several
    processes weighs all alike."""
    seed: int = 0
    checkpoints: int = 4
    """How often the run is saved for resuming, evenly spread."""
    packing: bool = False
    """Whether rows hold as many whole episodes as fit into `max_length` (training/packing.py)."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "max_length"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("learning_rate", "epochs", "lora_rank", "checkpoints"):
            if not 0 <= getattr(self, name) < math.inf:
                raise TrainingError(f"{name} must be 0 or more, not {getattr(self, name)}")
        if not 0 < self.decisive_weight < math.inf:
            raise TrainingError(f"decisive_weight must be above 0, not {self.decisive_weight}")


@gives_memory_back
def train_sft(
    model: str,
    rows: Sequence[TokenRow],
    out: Path | str,
    settings: SftSettings | None = None,
    progress: Progress = silent,
    left_out: Mapping[str, int] | None = None,
    *,
    track: str = "none",
    of: Iterable[Likeness] = (),
) -> Path:
    """Fine-tune `model` on `rows` and return the folder of the new model. Run again, it resumes or is done at once.

    Args:
        left_out: what was left out before and why, for the report (`done.json`): reason → how many episodes.
        track: where curves go besides (training/trackers.py).
        of: the tasks that the rows are episodes of, for whoever asks what the model was trained on.

    Raises:
        TrackerError: there is no such tracker here.
        ModelError: the model cannot be loaded.
        NoRowsError: no row is short enough, or none has a trained token.
        PackingError: packed rows cannot be kept apart with this model.
        RunFolderError: `out` holds a run with other settings.
    """
    settings = settings or SftSettings()
    reasons = [_why_not(row, settings) for row in rows]
    kept = [row for row, reason in zip(rows, reasons, strict=True) if reason is None]
    refused = Counter(filter(None, reasons))
    if not kept:
        raise NoRowsError(_nothing_left(rows, refused))
    why = Counter(left_out or {}) + refused
    folder = RunFolder(out, {"model": model, "rows": _digest(kept), **asdict(settings)})
    is_done = folder.open()
    remember(folder.folder, of, model)
    if is_done:
        progress(1, 1, "done before")
        return folder.model
    tracking = trackers(track, folder.folder)
    weights, tokenizer = load_model(model, to_train=True, frozen=settings.lora_rank > 0)
    if settings.packing:
        require_apart(weights)
    data = _dataset(kept, settings)
    keep_freed_memory()
    trainer = _SftTrainer(
        model=weights,
        args=_arguments(folder, settings, len(data), on_cpu=not torch.cuda.is_available()),
        train_dataset=data,
        data_collator=Collator(pad_token_id=tokenizer.pad_token_id, padding_free=settings.packing),
        processing_class=tokenizer,
        peft_config=adapters(settings.lora_rank),
        callbacks=[ProgressCallback(progress), Finite(), MarkWhole(), *tracking],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=folder.last_checkpoint())
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    left = {"left_out": len(rows) - len(kept), "left_out_why": dict(why.most_common())}
    return finish(trainer, folder, {"episodes": len(kept), **left, **_tokens(kept), "losses": losses})


def _tokens(rows: Sequence[TokenRow]) -> dict[str, int]:
    return {"tokens": sum(len(row.ids) for row in rows), "trained_tokens": sum(sum(row.trained) for row in rows)}


def is_learned(row: TokenRow, settings: SftSettings) -> bool:
    """Whether a training with these settings takes a row."""
    return _why_not(row, settings) is None


def _why_not(row: TokenRow, settings: SftSettings) -> str | None:
    """Why a row is not trained on; None where it is."""
    if len(row.ids) > settings.max_length:
        return f"longer than {settings.max_length} tokens"
    return None if any(row.trained) else "nothing in it to learn"


def _nothing_left(rows: Sequence[TokenRow], refused: Mapping[str, int]) -> str:
    """Why none of the rows can be trained on, and what would help."""
    lengths = sorted(len(row.ids) for row in rows if any(row.trained))
    mend = f"; the shortest with something to learn has {lengths[0]}: --max-length {lengths[0]}" if lengths else ""
    said = f" ({', '.join(f'{count} {why}' for why, count in refused.items())})" if refused else ""
    return f"none of {len(rows)} episodes can be learned from{said}{mend}"


def _dataset(rows: Sequence[TokenRow], settings: SftSettings) -> Dataset:
    columns: dict[str, list[Any]] = {
        "input_ids": [list(row.ids) for row in rows],
        "labels": [row.labels for row in rows],
        "weights": _loss_weights(rows, settings.decisive_weight),
    }
    return packed(columns, settings.max_length) if settings.packing else Dataset.from_dict(columns)


def adapters(rank: int) -> LoraConfig | None:
    """LoRA (Hu et al. 2021, arXiv:2106.09685) on every linear layer; `None` for rank 0, which trains all weights."""
    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear") if rank else None


def save_model(trainer: Any, folder: Path) -> None:
    """Write the trained model as one that `from_pretrained` reads: adapters are merged in.

    Of several processes each takes part, for each may hold a part of the weights, and the first writes.
    """
    accelerator = trainer.accelerator
    model, weights = accelerator.unwrap_model(trainer.model), None
    if accelerator.num_processes > 1:
        weights = {name: weight.cpu() for name, weight in whole_weights(model) if accelerator.is_main_process}
        model = model.get_base_model() if hasattr(model, "peft_config") else model
    elif hasattr(model, "merge_and_unload"):
        model = merged(model)
    if accelerator.is_main_process:
        model.save_pretrained(folder, state_dict=weights)
        trainer.processing_class.save_pretrained(folder)
    accelerator.wait_for_everyone()


def finish(trainer: Any, folder: RunFolder, report: dict[str, Any]) -> Path:
    """Write the trained model, then mark its run as done, and return the model's folder. Of several processes the first
    tells what it measured, and none goes on before that."""
    save_model(trainer, folder.model)
    if trainer.accelerator.is_main_process:
        folder.finish(report)
    trainer.accelerator.wait_for_everyone()
    return folder.model


class MarkWhole(TrainerCallback):
    """Lists a checkpoint's files once all of them are on the disk (training/whole.py). The trainer has removed older
    ones by then, so it must keep two (`save_total_limit`)."""

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        this_process().wait_for_everyone()  # each process writes files of its own
        if state.is_world_process_zero:
            mark_whole(Path(cast("str", args.output_dir)) / f"checkpoint-{state.global_step}")


class ProgressCallback(TrainerCallback):
    """Tells a `Progress` after every optimiser step."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._note = progress, ""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        shown = {"loss": "loss", "reward": "reward"}
        # A step whose episodes are all unscored has no reward.
        found = [f"{label} {logs[key]:.3f}" for key, label in shown.items() if logs and logs.get(key) is not None]
        self._note = ", ".join(found) or self._note
        self._progress(state.global_step, state.max_steps, self._note)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._progress(state.global_step, state.max_steps, self._note)


def _arguments(folder: RunFolder, settings: SftSettings, rows: int, *, on_cpu: bool) -> SFTConfig:
    steps = max(1, round(rows * settings.epochs / settings.batch_size))
    return SFTConfig(
        output_dir=str(folder.checkpoints),
        learning_rate=settings.learning_rate,
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=share(settings.batch_size, "batch_size"),
        train_sampling_strategy="group_by_length",  # less padding; the order stays random between groups
        lr_scheduler_type="linear",
        warmup_steps=steps // 20,
        optim="adamw_torch_fused",
        weight_decay=0.0,
        adam_beta2=0.95,
        max_grad_norm=1.0,
        max_length=None,
        activation_checkpointing=False,
        use_cpu=on_cpu,
        bf16=not on_cpu or computes_in_bfloat16(),  # of the computation; the weights stay as they are
        save_strategy="steps",
        save_steps=max(1, steps // (settings.checkpoints + 1)),
        save_total_limit=2,
        logging_steps=max(1, steps // 50),
        logging_nan_inf_filter=False,  # a loss that is none is none (training/finite.py)
        disable_tqdm=True,
        report_to="none",
        seed=settings.seed,
        dataloader_pin_memory=not on_cpu,
    )


def _loss_weights(rows: Sequence[TokenRow], decisive: float) -> list[list[float]]:
    """How much each token counts in the loss: 1 on average over the trained ones, so that a rate keeps its meaning."""
    raw = [[decisive if mark else 1.0 for mark in row.decisive or [False] * len(row.ids)] for row in rows]
    trained = [weight for row, weights in zip(rows, raw, strict=True) for weight in compress(weights, row.trained)]
    mean = sum(trained) / len(trained)
    return [[weight / mean for weight in weights] for weights in raw]


def _digest(rows: Sequence[TokenRow]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([row.ids, row.labels]).encode())
    return digest.hexdigest()[:16]


class _SftTrainer(SFTTrainer):
    """TRL's trainer, which in one process asks the language head only about the tokens that are trained.

    Nine tokens of ten in an episode are the environment's. TRL's own loss, equal to this one, puts all of them through
    the head, which in a small model is a fifth of the parameters.
    """

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        weights = inputs.pop("weights")
        if self.accelerator.num_processes > 1 or return_outputs:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)  # type: ignore[no-untyped-call]
        trained = inputs["labels"] != IGNORED
        others = {name: value for name, value in inputs.items() if name != "labels"}
        with self.accelerator.autocast():
            logits_N_V = logits_before(model, trained, **others)
        trained = trained[:, 1:]
        losses_N = cross_entropy(logits_N_V, inputs["labels"][:, 1:][trained], reduction="none")
        count = trained.sum() if num_items_in_batch is None else num_items_in_batch
        return (losses_N * weights[:, 1:][trained]).sum() / count

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()  # type: ignore[no-untyped-call]
        if "weights" not in (columns := cast("list[str]", self._signature_columns)):
            columns.append("weights")


def rows_of(
    episodes: Sequence[Episode],
    model: str,
    notation: str,
    *,
    diagnose: bool = False,
    max_turn_tokens: int | None = None,
    corrected: Sequence[Imitated] = (),
) -> list[TokenRow]:
    """Episodes as the model `model` would read and write them in the dialect `notation`; see `demonstration`.

    Args:
        corrected: what else is learned; it comes after the episodes.
    """
    tokenizer = load_tokenizer(model)
    chat = ChatTemplate(tokenizer)
    shown = [*((each, False) for each in episodes), *((each.episode, each.tool_given) for each in corrected)]
    return [
        demonstration(
            episode, chat, dialect(notation), diagnose=diagnose, max_turn_tokens=max_turn_tokens, tool_given=given
        )
        for episode, given in shown
    ]
