"""Packed rows: fewer of them, the same loss, and no episode that looks at another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from journeyman.policies.models import load_model
from journeyman.training import sft
from journeyman.training.checkpoint import RunFolder
from journeyman.training.packing import Collator, PackingError, packed, require_apart
from journeyman.training.sft import SftSettings, train_sft
from journeyman.training.tokens import IGNORED, TokenRow


def row(number: int) -> TokenRow:
    """Of 8 to 10 tokens, the last four trained, one of them decisive."""
    read = 4 + number % 3
    ids = (1, *(40 + number + other for other in range(read - 1)), 50, 51, 52, 2)
    mine = (False,) * read + (True,) * 4
    decisive = (False,) * (read + 1) + (True,) + (False,) * 2
    return TokenRow(ids, mine, tuple(0 if each else -1 for each in mine), prompt_length=read, decisive=decisive)


ROWS = [row(number) for number in range(8)]
TOKENS = sum(len(each.ids) for each in ROWS)


def losses(folder: Path, *, packing: bool, batch_size: int) -> list[float]:
    settings = SftSettings(
        learning_rate=1e-2, epochs=4, batch_size=batch_size, max_length=TOKENS, checkpoints=1, packing=packing
    )
    train_sft("tiny", ROWS, folder, settings)
    found: list[float] = RunFolder(folder, {}).report()["losses"]
    return found


@pytest.mark.slow
def test_the_packed_loss_is_the_unpacked_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sft, "computes_in_bfloat16", lambda: False)  # whose rounding depends on the order of sums
    apart = losses(tmp_path / "apart", packing=False, batch_size=len(ROWS))
    together = losses(tmp_path / "together", packing=True, batch_size=1)
    assert together == pytest.approx(apart, rel=1e-4)
    assert together[-1] < together[0]


def test_rows_hold_whole_episodes_with_their_labels_and_weights() -> None:
    columns = {
        "input_ids": [list(each.ids) for each in ROWS],
        "labels": [each.labels for each in ROWS],
        "weights": [[float(number)] * len(each.ids) for number, each in enumerate(ROWS)],
    }
    data = packed(columns, 20)
    assert len(data) == 4
    seen = set()
    for example in data:
        start = 0
        for length in example["seq_lengths"]:
            part = slice(start, start + length)
            number = int(example["weights"][start])
            assert tuple(example["input_ids"][part]) == ROWS[number].ids
            assert example["labels"][part] == ROWS[number].labels
            assert example["weights"][part] == [float(number)] * length
            start += length
            seen.add(number)
    assert seen == set(range(len(ROWS)))
    batch = Collator(pad_token_id=0, padding_free=True).torch_call([dict(example) for example in data])
    assert batch["input_ids"].shape == batch["labels"].shape == batch["weights"].shape == (1, TOKENS)
    assert (batch["labels"] != IGNORED).sum() == sum(sum(each.trained) for each in ROWS)
    assert (batch["position_ids"] == 0).sum() == len(ROWS), "every episode begins at 0"


class Forgetful(torch.nn.Module):
    """A decoder that is told where episodes end and takes no notice."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model, self.config, self.device = model, model.config, model.device

    def get_input_embeddings(self) -> Any:
        return self.model.get_input_embeddings()

    def get_decoder(self) -> Any:
        return lambda input_ids, use_cache, **_: self.model.get_decoder()(input_ids=input_ids, use_cache=use_cache)


def test_a_model_whose_episodes_would_look_at_one_another_is_refused() -> None:
    model, _ = load_model("tiny")
    require_apart(model)
    with pytest.raises(PackingError, match=r"look at one another with this model's attention.*leave packing out"):
        require_apart(Forgetful(model))
