"""Several processes that train one model together: which of them this one is, and its share of the work."""

from __future__ import annotations

from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import gather_object

from journeyman.training.checkpoint import TrainingError

T = TypeVar("T")


def this_process() -> PartialState:
    """accelerate's word on it. Without a GPU it sees the others only if told that processors are what they share; else
    each would take itself for the only one, and play what the others play."""
    return PartialState(cpu=not torch.cuda.is_available())


def from_all_processes(value: T) -> list[T]:
    """What each process says, the first one's first. All of them must ask."""
    if this_process().num_processes == 1:
        return [value]
    found: list[T] = gather_object([value])
    return found


def share(count: int, name: str) -> int:
    """What each process does of `count`, which all do together.

    Raises:
        TrainingError: they cannot share it evenly; the message says `name`, the setting.
    """
    processes: int = this_process().num_processes
    if count % processes:
        raise TrainingError(f"{name} is {count}, which {processes} processes cannot share: take a multiple of these")
    return count // processes
