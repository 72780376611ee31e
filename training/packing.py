"""Several episodes in one row, so that no batch is padded: TRL's packing, which keeps our labels and weights.

TRL's own switch (`SFTConfig.packing`) drops every column but ids and labels and takes no collator of ours. So its
parts are used one by one: `pack_dataset` (best fit decreasing) fills the rows, and its collator, padding-free, gives
each episode positions from 0 and no attention mask. From these transformers sees where an episode ends, and lets no
token look at another episode. Whether a model's attention does so is tried before anything is trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from datasets import Dataset, are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
from trl.data_utils import pack_dataset
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from journeyman.training.checkpoint import TrainingError

_TRIED = 8
"""So many tokens of each of two texts are enough to see whether one looks at the other."""


class PackingError(TrainingError):
    """Packed episodes cannot be kept apart with this model."""


class Collator(DataCollatorForLanguageModeling):
    """TRL's, which takes the tokens' weights along: padded, or one after the other where rows are packed."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        batch = super().torch_call(examples)
        weights = [torch.tensor(example["weights"]) for example in examples]
        if self.padding_free:
            return {**batch, "weights": torch.cat(weights)[None]}
        return {**batch, "weights": torch.nn.utils.rnn.pad_sequence(weights, batch_first=True)}


def packed(columns: Mapping[str, list[Any]], length: int) -> Dataset:
    """Rows of at most `length` tokens, each of one or more whole episodes; none may be longer."""
    shown = not are_progress_bars_disabled()
    disable_progress_bars()  # of a moment's work, in the midst of ours
    try:
        return pack_dataset(Dataset.from_dict(dict(columns)), length, "bfd")
    finally:
        if shown:
            enable_progress_bars()


def require_apart(model: Any) -> None:
    """See that an episode in a packed row reads the same whatever stands before it.

    Raises:
        PackingError: it does not.
    """
    last = model.get_input_embeddings().num_embeddings - 1
    ids = [[(7 * number + other) % last + 1 for number in range(_TRIED)] for other in (1, 2, 3)]
    collator = Collator(pad_token_id=0, padding_free=True)
    read = []
    with torch.no_grad():
        for before in ids[:2]:
            both = [*before, *ids[2]]
            row = {"input_ids": both, "labels": both, "weights": [1.0] * len(both), "seq_lengths": [_TRIED, _TRIED]}
            batch = collator.torch_call([row])
            given = {
                name: value.to(model.device) if torch.is_tensor(value) else value
                for name, value in batch.items()
                if name not in ("labels", "weights")
            }
            read.append(model.get_decoder()(**given, use_cache=False).last_hidden_state[0, _TRIED:].float())
    first, second = read
    if not torch.allclose(first, second, rtol=1e-3, atol=1e-3 * float(first.abs().max())):
        attention = getattr(model.config, "_attn_implementation", "its own")
        raise PackingError(
            f"packed episodes would look at one another with this model's attention ({attention}): leave packing out"
        )
