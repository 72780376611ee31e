"""What a model was trained on, so that it is not measured by the same.

A training run's folder holds `trained_on.json`: a row for each task, without any of its text.
A model that was trained from another was trained on that one's tasks too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from journeyman.envs.episode import Episode
from journeyman.policies.models import named_folder
from journeyman.tasks.harbor import load_task
from journeyman.tasks.sources.likeness import Likeness, likeness_of, require_apart
from journeyman.tasks.task import Task, TaskError
from journeyman.training.checkpoint import DONE, TrainingError, write_json

TRAINED_ON = "trained_on.json"


def remember(run: Path | str, tasks: Iterable[Likeness], model: str) -> None:
    """Note in a training run's folder what it trains on, and what the model was trained on that it begins with: whose
    folder may be gone when somebody asks, or lie elsewhere seen from where they ask.
    """
    every = {task.task: task for task in (*trained_on(model), *tasks)}
    write_json(Path(run) / TRAINED_ON, [task.to_dict() for task in every.values()])


def played(episodes: Iterable[Episode]) -> tuple[Likeness, ...]:
    """The tasks of episodes, as far as their folders still stand; else their names alone."""
    folders = {episode.task: str(episode.versions.get("task_folder", "")) for episode in episodes}
    return tuple(_from_folder(name, folder) for name, folder in folders.items())


def trained_on(model: str) -> tuple[Likeness, ...]:
    """All tasks that a model was trained on, and those that it was trained from were; none for a model of a hub.

    Raises:
        TrainingError: a training run's folder is broken; the message says which file.
    """
    found: dict[str, Likeness] = {}
    seen: set[Path] = set()
    place = named_folder(model)
    while place.is_dir() and (run := place.resolve().parent) not in seen:
        seen.add(run)
        try:
            if (rows := run / TRAINED_ON).is_file():
                found.update((row["task"], Likeness.from_dict(row)) for row in json.loads(rows.read_text()))
            settings = json.loads((run / DONE).read_text())["settings"] if (run / DONE).is_file() else {}
            place = named_folder(str(settings.get("model", "")) or "/nowhere")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise TrainingError(
                f"{run}: cannot read what was trained there ({type(error).__name__}: {error})"
            ) from error
    return tuple(found.values())


def require_unseen(model: str, tasks: Sequence[Task], mend: str) -> None:
    """See that a model is measured by nothing that it was trained on.

    Raises:
        OverlapError: it is; one line that ends with `mend`.
        TrainingError: as `trained_on`.
    """
    if known := trained_on(model):
        require_apart(known, [likeness_of(task) for task in tasks], mend)


def _from_folder(name: str, folder: str) -> Likeness:
    try:
        return likeness_of(load_task(Path(folder))) if folder else Likeness(name)
    except (TaskError, OSError):  # it is gone, or another stands there: its name is still known
        return Likeness(name)
