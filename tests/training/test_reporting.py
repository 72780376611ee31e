"""The trainer's log and the sampler's episodes become one record of a step."""

from __future__ import annotations

from typing import Any

from transformers import TrainerControl, TrainerState, TrainingArguments

from journeyman.envs.episode import RewardTerm
from journeyman.training.hybrid import Shaped
from journeyman.training.monitor import StepFacts
from journeyman.training.reporting import StepReporter
from journeyman.training.stopwatch import ROLLOUT, SAMPLE
from tests.training.test_monitor import episode


def test_a_step_is_told_of_once_when_its_loss_is_known(tmp_path: Any) -> None:
    told: list[StepFacts] = []

    class Watcher:
        def step(self, facts: StepFacts) -> None:
            told.append(facts)

    reporter = StepReporter(Watcher())
    args, control = TrainingArguments(str(tmp_path), use_cpu=True), TrainerControl()
    state = TrainerState(global_step=3, max_steps=8)

    def log(**logs: float) -> None:
        reporter.on_log(args, state, control, logs=logs)

    reporter.on_train_begin(args, state, control)
    log(loss=1.0)  # nothing was collected: none of our steps
    with reporter.watch.during(ROLLOUT), reporter.watch.during(SAMPLE):
        played = [episode(1.0), episode(0.0)]
        reporter.collected([played], [Shaped((RewardTerm("cost", -0.1, 0.5, "steps"),), -0.05), Shaped((), 0.0)])
    log(learning_rate=0.1)
    log(loss=0.25)
    log(loss=0.25)
    log(train_loss=0.3, train_runtime=9.0)
    state.is_world_process_zero = False
    reporter.collected([[episode(1.0)]])
    log(loss=0.5)  # another process tells of it
    (facts,) = told
    assert (facts.step, facts.steps, facts.loss, facts.episodes, facts.groups_with_signal) == (3, 8, 0.25, 2, 1)
    assert (facts.reward, facts.terms) == (-0.025, {"cost": -0.025}), "what training pays, not what the grader did"
    assert facts.shares.sampled + facts.shares.waited + facts.shares.trained > 0.999
