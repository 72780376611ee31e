"""All kinds of faults by name."""

from __future__ import annotations

from journeyman.envs.faults.fault import Fault
from journeyman.envs.faults.on_answers import Garbled, Interrupted, MisleadingTest, TimesOut, ToolFails
from journeyman.envs.faults.on_files import LostEdit, ShiftedLines, StalePlan, WrongFile
from journeyman.envs.faults.settings import ALL_KINDS, HELD_OUT_KINDS, TRAINING_KINDS

__all__ = ["ALL_KINDS", "HELD_OUT_KINDS", "KINDS", "TRAINING_KINDS"]

_FAULTS: tuple[Fault, ...] = (
    ToolFails(), Interrupted(), LostEdit(), Garbled(), StalePlan(), ShiftedLines(), WrongFile(), MisleadingTest(),
    TimesOut(),
)  # fmt: skip
KINDS: dict[str, Fault] = {fault.name: fault for fault in _FAULTS}
"""In the order of `ALL_KINDS`."""
