"""Label Studio's JSON export: tasks with `annotations`, each with a `result` of regions.

`pairwise` becomes a ranking, `rating` a score of the episode, `choices` a label (of the step or claim that the task's
`data` names, else of the episode), `textarea` a comment (of that step, else of the episode). A task's episodes are
those that its `data` names (`episode`, or `episodes` with the left one first), or that are mapped from its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from journeyman.envs.feedback.formats.reading import ImportFeedbackError, Reading, comment, label, ranking, rating

_RANKS = {"left": (1, 2), "right": (2, 1)}


def read_label_studio(data: Any, reading: Reading) -> None:
    """Read an export.

    Raises:
        ImportFeedbackError: it is none.
    """
    if not isinstance(data, list):
        raise ImportFeedbackError("Label Studio's JSON export is a list of tasks")
    for number, task in enumerate(data, 1):
        where = f"task {number}"
        if not isinstance(task, dict) or not isinstance(task.get("annotations"), list):
            reading.no(where, "a task has a list of `annotations` (export as JSON, not JSON-MIN)")
            continue
        if isinstance(task.get("id"), str | int):
            where += f" (id {str(task['id'])[:40]})"
        for place, annotation in enumerate(task["annotations"], 1):
            _annotation(task, annotation, f"{where}, annotation {place}", reading)


def _annotation(task: Mapping[str, Any], said: Any, where: str, reading: Reading) -> None:
    if not isinstance(said, dict) or not isinstance(said.get("result"), list):
        reading.no(where, "an annotation has a list `result`")
        return
    if said.get("was_cancelled"):
        reading.no(where, "it was skipped")
        return
    reading.begin()
    about = task["data"] if isinstance(task.get("data"), dict) else {}
    names = [task.get("id")]
    who, at = said.get("completed_by"), said.get("updated_at") or said.get("created_at")
    for number, region in enumerate(said["result"], 1):
        here = f"{where}, result {number}"
        value = region.get("value") if isinstance(region, dict) else None
        if not isinstance(value, dict):
            reading.no(here, "a result has a `value`")
            continue
        match region.get("type"):
            case "pairwise" if (ranks := _RANKS.get(str(value.get("selected")))) is not None:
                ranking(reading, here, ranks, who, at, about, *names)
            case "rating":
                rating(reading, here, value.get("rating"), who, at, about, *names)
            case "choices" if isinstance(value.get("choices"), list) and value["choices"]:
                for choice in value["choices"]:
                    label(reading, here, choice, who, at, about, *names)
            case "textarea":
                texts = value.get("text")
                for text in texts if isinstance(texts, list) else [texts]:
                    comment(reading, here, text, who, at, about, *names)
            case other:
                reading.no(here, f"a result of type {str(other)[:40]!r} has no place here")
