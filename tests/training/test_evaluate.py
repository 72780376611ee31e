"""Evaluation counts what the grader decided, goes on where it was interrupted, and pairs two policies."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.envs.store import EpisodeStore
from journeyman.policies.oracle import OraclePolicy
from journeyman.policies.policy import Policy
from journeyman.policies.scripted import NoOpPolicy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.evaluate import Evaluation, evaluate
from journeyman.training.presets import preset

CONFIG = preset("medium").env.model_copy(update={"max_steps": 30})


def run(
    name: str, tasks: tuple[Task, ...], folder: Path, backend: SandboxFactory, seeds: tuple[int, ...] = (0,)
) -> Evaluation:
    def policy(task: Task) -> Policy:
        return OraclePolicy(task) if name == "oracle" else NoOpPolicy()

    with EpisodeStore(folder / name) as store:
        return evaluate(name, policy, tasks, backend=backend, store=store, config=CONFIG, seeds=seeds, concurrency=2)


def test_the_oracle_resolves_all_and_doing_nothing_none(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory
) -> None:
    oracle, nothing = (run(name, tasks, tmp_path, backend) for name in ("oracle", "noop"))
    assert (oracle.resolve_rate.successes, oracle.resolve_rate.trials) == (2, 2)
    assert nothing.resolve_rate.successes == 0
    assert (oracle.milestones.successes, nothing.milestones.successes, oracle.milestones.trials) == (2, 0, 2)
    pair = oracle.against(nothing)
    assert (pair.only_second, pair.only_first) == (2, 0)
    assert Evaluation.from_dict(oracle.to_dict()) == oracle


def test_what_is_recorded_is_not_run_again(tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory) -> None:
    first = run("noop", tasks[:1], tmp_path, backend)
    again = run("noop", tasks, tmp_path, backend, seeds=(0, 1))
    assert again.results[0] == first.results[0]
    assert len({result.episode for result in again.results}) == 4


def test_no_tasks_are_refused(tmp_path: Path, backend: SandboxFactory) -> None:
    with pytest.raises(ValueError, match="needs tasks"):
        run("noop", (), tmp_path, backend)
