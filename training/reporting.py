"""Between the trainer and whoever watches it: puts together what the sampler collected and what the trainer logged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from journeyman.envs.episode import Episode
from journeyman.training.hybrid import Shaped
from journeyman.training.monitor import Monitor, of_all, step_facts
from journeyman.training.processes import from_all_processes
from journeyman.training.stopwatch import Stopwatch


class StepReporter(TrainerCallback):
    """Tells a monitor of each step. The trainer must log every step (`logging_steps=1`)."""

    def __init__(self, monitor: Monitor) -> None:
        self.watch = Stopwatch()
        """For the sampler: `during(ROLLOUT)` while it collects, and for a `WatchedEngine`."""
        self._monitor = monitor
        self._groups: Sequence[Sequence[Episode]] = ()
        self._paid: Sequence[Shaped] | None = None

    def collected(self, groups: Sequence[Sequence[Episode]], paid: Sequence[Shaped] | None = None) -> None:
        """The episodes that were played for the next step, those of one task together.

        Args:
            paid: what training pays each of them, in order, where it is not what the grader paid.
        """
        self._groups, self._paid = groups, paid

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.watch.lap()  # what came before is no step's

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl,
        logs: dict[str, Any] | None = None, **_: Any,
    ) -> None:  # fmt: skip
        if not self._groups or "loss" not in (logs or {}):
            return  # the end's summary
        groups, self._groups = self._groups, ()
        loss = float(logs["loss"]) if logs else None
        own = step_facts(state.global_step, state.max_steps, groups, self.watch.lap(), loss=loss, paid=self._paid)
        facts = of_all(from_all_processes(own))
        if state.is_world_process_zero:
            self._monitor.step(facts)
