"""A training whose numbers are none any more ends, and keeps no model."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from journeyman.training.finite import Finite, NotFiniteError
from journeyman.training.sft import SftSettings, train_sft
from journeyman.training.tokens import TokenRow


def row(first: int) -> TokenRow:
    return TokenRow((1, first, 50, 51, 2), (False,) * 2 + (True,) * 3, (-1,) * 2 + (0,) * 3, prompt_length=2)


def test_a_rate_that_breaks_the_weights_ends_the_training(tmp_path: Path) -> None:
    settings = SftSettings(learning_rate=1e38, epochs=4, batch_size=2)
    with pytest.raises(NotFiniteError, match=r"by step \d+ the training's (loss|grad norm) is .*lower learning rate"):
        train_sft("tiny", [row(40 + each) for each in range(8)], tmp_path, settings)
    assert not (tmp_path / "model").exists()
    assert not (tmp_path / "done.json").exists()


@pytest.mark.parametrize("name", ["loss", "grad_norm", "train_loss"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_whatever_is_logged_of_it_is_looked_at(name: str, value: float) -> None:
    seen: Any = SimpleNamespace(global_step=7)
    Finite().on_log(seen, seen, seen, {name: 1.5, "learning_rate": 0.0})
    with pytest.raises(NotFiniteError, match="by step 7"):
        Finite().on_log(seen, seen, seen, {name: value})


def test_the_attention_from_which_it_came_does_not_train(tmp_path: Path) -> None:
    torch.backends.cuda.enable_cudnn_sdp(True)
    train_sft("tiny", [row(40)], tmp_path, SftSettings(epochs=1))
    assert not torch.backends.cuda.cudnn_sdp_enabled()
