"""What the campaigns that train have in common: what is said of their stages, and how a policy is taught first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from journeyman.envs.store import EpisodeStore
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.sources.likeness import likeness_of
from journeyman.tasks.task import Task
from journeyman.training.demonstrations import collect_demonstrations
from journeyman.training.presets import Preset
from journeyman.training.progress import Progress
from journeyman.training.sft import SftSettings, rows_of, train_sft


def fine_tuned(
    model: str,
    tasks: Sequence[Task],
    demonstrations: Path,
    out: Path,
    settings: SftSettings,
    *,
    preset: Preset,
    backend: SandboxFactory,
    title: str,
) -> str:
    """The model after it was shown the tasks' solutions, a fifth with a mistake and its recovery; its folder."""
    with EpisodeStore(demonstrations) as store:
        episodes = collect_demonstrations(
            tasks, backend=backend, store=store, config=preset.env, mistaken_share=0.2, progress=said("demonstrations")
        )
    rows = rows_of(episodes, model, preset.local.dialect)
    return str(train_sft(model, rows, out, settings, said(title), of=map(likeness_of, tasks)))


def slug(name: str) -> str:
    return name.replace(" ", "-")


def said(title: str) -> Progress:
    """A line now and then: this runs for hours, mostly unwatched."""
    last = 0.0

    def report(done: int, total: int, note: str = "") -> None:
        nonlocal last
        if done == total or time.monotonic() - last > 30:
            last = time.monotonic()
            print(f"{time.strftime('%H:%M:%S')} {title}: {done} of {total} {note}", flush=True)

    return report
