"""Curves elsewhere: TensorBoard, Weights & Biases, trackio, by transformers' own callbacks."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from journeyman.training.checkpoint import TrainingError

if TYPE_CHECKING:
    from transformers import TrainerCallback

TRACKERS = {"tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",), "trackio": ("trackio",)}
"""By name, the packages of which one is needed."""


class TrackerError(TrainingError):
    """There is no such tracker, or its package is not installed."""


def trackers(name: str, run: Path) -> list[TrainerCallback]:
    """The callbacks that send a run's figures there; none for "none".

    TensorBoard's files lie in RUN/tensorboard: the folder of checkpoints, its default, is removed at the end.

    Raises:
        TrackerError: see there.
    """
    if name == "none":
        return []
    if name not in TRACKERS:
        raise TrackerError(f"no tracker {name!r}; there are: none, {', '.join(TRACKERS)}")
    if not any(importlib.util.find_spec(package) for package in TRACKERS[name]):
        package = TRACKERS[name][0]
        raise TrackerError(f"tracking with {name} needs the package {package}: pip install {package}")
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    callback: Any = INTEGRATION_TO_CALLBACK[name]()
    if name == "tensorboard":
        callback.logging_dir = str(run / "tensorboard")
    return [callback]
