"""Measure a model once: what came out is kept, and said again when asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from journeyman.envs.config import EnvConfig
from journeyman.envs.store import EpisodeStore
from journeyman.policies.job import Engine
from journeyman.policies.policy import Policy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import write_json
from journeyman.training.evaluate import Evaluation, evaluate
from journeyman.training.progress import Progress, silent

MakePolicy = Callable[[Task], Policy]
Players = AbstractContextManager[MakePolicy]
"""A model that acts as long as the context is open."""


def measure(
    folder: Path,
    players: Callable[[], Players],
    tasks: Sequence[Task],
    *,
    backend: SandboxFactory,
    config: EnvConfig,
    seeds: Sequence[int] = (0,),
    concurrency: int = 16,
    progress: Progress = silent,
    engine: Engine | None = None,
) -> Evaluation:
    """Evaluate, with the episodes in `folder` and the result beside it in `folder`.json; interrupted, it goes on.

    Args:
        players: opened only if there is something to measure, for to load a model takes its time.
    """
    result = folder.with_name(folder.name + ".json")
    if result.exists():
        known = Evaluation.load(result)
        progress(len(known.results), len(known.results), f"{known.resolve_rate.successes} resolved")
        return known
    with players() as make_policy, EpisodeStore(folder) as store:
        found = evaluate(
            folder.name, make_policy, tasks, backend=backend, store=store, config=config, seeds=seeds,
            concurrency=concurrency, progress=progress, engine=engine,
        )  # fmt: skip
    write_json(result, found.to_dict())
    return found
