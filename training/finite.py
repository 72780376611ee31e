"""A training ends when its numbers are none any more.

transformers' trainer goes on with a loss that is not a number, and prints 0 for it: what it saves in the end writes
noise. And there is a way there that is no fault of the settings: the gradient that cuDNN's attention gives to a padded
batch on an H100 or H200, since torch 2.11, is not a number where one head's scores are very low
(https://github.com/pytorch/pytorch/issues/196678). Qwen2.5 has such a head. So that attention is not used to train.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from journeyman.training.checkpoint import TrainingError

_WATCHED = ("loss", "grad_norm", "train_loss")


class NotFiniteError(TrainingError):
    """The loss or the gradient is infinite or not a number."""


class Finite(TrainerCallback):
    """Ends a training whose loss or gradient is not finite, before a model is saved.

    Raises:
        NotFiniteError: where the trainer logs such a step.
    """

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        torch.backends.cuda.enable_cudnn_sdp(False)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl,
        logs: dict[str, Any] | None = None, **_: Any,
    ) -> None:  # fmt: skip
        for name in _WATCHED:
            value = (logs or {}).get(name)
            if value is not None and not math.isfinite(value):
                raise NotFiniteError(
                    f"by step {state.global_step} the training's {name.replace('_', ' ')} is {value}: no model is "
                    "saved. Start again in another folder, with a lower learning rate"
                )
