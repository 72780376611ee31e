"""What of TRL 1.16 the preference trainers touch that is not public, all in this file.

TRL's DPO and KTO take text, and count everything behind the prompt as the policy's: what tools answered would enter
the log-probabilities. Here rows arrive as tokens with a mask of their own, which is laid over TRL's; its losses stay
as they are. The reference's log-probabilities are computed once, before training: no second model is kept, and a
resumed run has the same. What the rows of a batch begin with in common (the two of a pair: the tools, the problem,
perhaps all but the report) is read once, forward and backward. That all this equals TRL's where nothing is masked, and
a loss by hand where something is, is tested.

Dimension suffixes: B rows, S positions, T all but the first, N tokens of the policy's, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import torch
from datasets import Dataset
from torch.nn.utils.rnn import pad_sequence
from trl.trainer.dpo_trainer import DataCollatorForPreference, DPOTrainer
from trl.trainer.kto_trainer import DataCollatorForUnpairedPreference, KTOTrainer

from journeyman.training.preference_rows import LabelRow, PairRow
from journeyman.training.progress import Progress, silent
from journeyman.training.shared_prefix import logits_before_shared
from journeyman.training.tokens import TokenRow


def pair_columns(rows: Sequence[PairRow]) -> Dataset:
    """Rows for `MaskedDpoTrainer`: what both begin with as the prompt, and each one's tokens behind it with a mask."""
    columns: dict[str, list[list[int]]] = {name: [] for name in ("prompt_ids", "chosen_ids", "rejected_ids")}
    columns |= {"chosen_mask": [], "rejected_mask": []}
    for row in rows:
        start = _common(row.chosen, row.rejected)
        columns["prompt_ids"].append(list(row.chosen.ids[:start]))
        for name, side in (("chosen", row.chosen), ("rejected", row.rejected)):
            columns[f"{name}_ids"].append(list(side.ids[start:]))
            columns[f"{name}_mask"].append([int(own) for own in side.trained[start:]])
    return Dataset.from_dict(columns)


def label_columns(rows: Sequence[LabelRow], batch_size: int) -> Dataset:
    """Rows for `MaskedKtoTrainer`, each with another's completion to estimate the KL term by.

    As TRL has it: completions are turned by one within each batch. A last batch of one row takes the row's before it.
    """
    columns: dict[str, list[Any]] = {name: [] for name in ("prompt_ids", "completion_ids", "completion_own", "label")}
    columns |= {"KL_completion_ids": [], "KL_completion_own": []}
    for number, each in enumerate(rows):
        batch = number - number % batch_size
        last = min(batch + batch_size, len(rows)) - 1
        other = rows[last if number == batch and last > batch else number - 1].row
        start, start_of_other = each.row.prompt_length, other.prompt_length
        columns["prompt_ids"].append(list(each.row.ids[:start]))
        columns["completion_ids"].append(list(each.row.ids[start:]))
        columns["completion_own"].append([int(own) for own in each.row.trained[start:]])
        columns["KL_completion_ids"].append(list(other.ids[start_of_other:]))
        columns["KL_completion_own"].append([int(own) for own in other.trained[start_of_other:]])
        columns["label"].append(each.desirable)
    return Dataset.from_dict(columns)


class _PairCollator(DataCollatorForPreference):
    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        batch: dict[str, Any] = super().torch_call(examples)
        masks = [
            [0] * len(example["prompt_ids"]) + example[f"{side}_mask"]
            for side in ("chosen", "rejected")
            for example in examples
        ]
        batch["completion_mask"] *= _padded(masks)
        return batch


class _LabelCollator(DataCollatorForUnpairedPreference):
    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        batch: dict[str, Any] = super().torch_call(examples)
        for prefix in ("", "KL_"):
            masks = [[0] * len(each["prompt_ids"]) + each[f"{prefix}completion_own"] for each in examples]
            batch[f"{prefix}completion_mask"] *= _padded(masks)
        return batch


MOST_LOGITS = 1 << 28
"""So many numbers (1 GiB) are held at once for the tokens of a batch; of more TRL's fused head holds a part at a time,
which reads all rows whole."""


class _ReadsOnce:
    """A model as TRL's losses of preferences call it, that reads what rows begin with in common once."""

    def __init__(self, trainer: Any, model: Any) -> None:
        self._trainer, self._model = trainer, model

    def __call__(self, **inputs: Any) -> Any:
        ids_B_S, labels_B_S = inputs["input_ids"], inputs.get("labels")
        chosen_B_S = labels_B_S != -100 if labels_B_S is not None else torch.zeros_like(ids_B_S, dtype=torch.bool)
        count = int(chosen_B_S.sum())
        if not count or count * self._trainer.model.config.get_text_config().vocab_size > MOST_LOGITS:
            return self._model(**inputs)
        with self._trainer.accelerator.autocast():
            logits_N_V = logits_before_shared(
                self._model, chosen_B_S, input_ids=ids_B_S, attention_mask=inputs["attention_mask"]
            )
        logprobs_N_V, tokens_N = logits_N_V.log_softmax(dim=-1), ids_B_S[chosen_B_S]
        with torch.no_grad():
            seen = {
                "entropy": -(logprobs_N_V.exp() * logprobs_N_V).sum(dim=-1),
                "mean_logits": logits_N_V.mean(dim=-1), "is_top1": logits_N_V.argmax(dim=-1) == tokens_N,
            }  # fmt: skip
        found = {"log_probs": logprobs_N_V.gather(1, tokens_N[:, None])[:, 0], **seen}
        at_B_T = chosen_B_S[:, 1:]
        return SimpleNamespace(
            **{
                name: torch.zeros_like(at_B_T, dtype=value_N.dtype).masked_scatter(at_B_T, value_N)
                for name, value_N in found.items()
            }
        )


class _Masked:
    """What is ours in both trainers: rows are tokens already, the reference is asked once, and common beginnings are
    read once."""

    _collator: ClassVar[Any]
    _reference_columns: ClassVar[tuple[str, str]]

    def __init__(self, *, pad_token_id: int, progress: Progress = silent, **settings: Any) -> None:
        self._progress = progress
        collator = self._collator(pad_token_id=pad_token_id)
        super().__init__(data_collator=collator, **settings)  # type: ignore[call-arg]

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset

    def reading(self: Any, model: Any) -> Any:
        """The model as it is to be called. What keeps several processes together would be gone past."""
        alone = self.accelerator.num_processes == 1 and not self.aux_loss_enabled
        return _ReadsOnce(self, model) if alone else model

    def compute_ref_log_probs(self, model: Any, inputs: Any) -> Any:
        return super().compute_ref_log_probs(self.reading(model), inputs)  # type: ignore[misc]

    def _compute_loss(self, model: Any, inputs: Any, *options: Any) -> Any:
        return super()._compute_loss(self.reading(model), inputs, *options)  # type: ignore[misc]

    def _precompute_ref_logps(self: Any, dataset: Dataset, name: str, batch_size: int) -> Dataset:
        """As TRL's, without a file beside the data, and with our progress."""
        parts = [
            self.compute_ref_log_probs(self.ref_model or self.model, batch)
            for batch in _batches(self, dataset, batch_size, f"reference, {name}")
        ]
        for side, column in enumerate(self._reference_columns):
            dataset = dataset.add_column(column, torch.cat([part[side] for part in parts]).tolist())
        return dataset


class MaskedDpoTrainer(_Masked, DPOTrainer):
    """TRL's DPO over `pair_columns`: environment tokens are read, and in no log-probability."""

    _collator = _PairCollator
    _reference_columns = ("ref_chosen_logps", "ref_rejected_logps")


class MaskedKtoTrainer(_Masked, KTOTrainer):
    """TRL's KTO over `label_columns`: environment tokens are read, and in no log-probability."""

    _collator = _LabelCollator
    _reference_columns = ("ref_logps", "ref_KL_logps")


def log_probabilities(
    trainer: MaskedDpoTrainer | MaskedKtoTrainer, dataset: Dataset, batch_size: int, note: str
) -> list[float]:
    """Of the policy's own tokens as the trained model has them: one sum for each row of a KTO data set; all chosen
    ones, then all rejected ones, of a DPO data set."""
    parts: list[Sequence[torch.Tensor]] = []
    model: Any = trainer.reading(trainer.model)
    for batch in _batches(trainer, dataset, batch_size, note):
        labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
        with torch.no_grad(), trainer.accelerator.autocast():
            read = model(
                input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels, use_cache=False,
                fused_lm_head=True,
            )  # fmt: skip
        sums_B = read.log_probs.sum(dim=1)
        parts.append(sums_B.chunk(2) if isinstance(trainer, MaskedDpoTrainer) else (sums_B,))
    return [value for side in zip(*parts, strict=True) for value in torch.cat(side).tolist()]


def _padded(masks: list[list[int]]) -> torch.Tensor:
    return pad_sequence([torch.tensor(mask) for mask in masks], batch_first=True)


def _common(first: TokenRow, second: TokenRow) -> int:
    """How many tokens two rows begin with alike, before either's first own one."""
    most = min(first.prompt_length, second.prompt_length)
    return next((i for i in range(most) if first.ids[i] != second.ids[i]), most)


def _batches(trainer: MaskedDpoTrainer | MaskedKtoTrainer, dataset: Dataset, size: int, note: str) -> Any:
    count = math.ceil(len(dataset) / size)
    for number in range(count):
        trainer._progress(number, count, note)
        examples = [dataset[i] for i in range(number * size, min((number + 1) * size, len(dataset)))]
        yield trainer._prepare_inputs(trainer.data_collator(examples))
    trainer._progress(count, count, note)
