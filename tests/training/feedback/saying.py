"""A run of a few episodes, and what people said of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import ENTRY, Entry
from journeyman.envs.feedback.log import FILE, FeedbackLog
from journeyman.envs.guidelines.guideline import Guideline, Item, ItemRef
from journeyman.envs.store import EpisodeStore
from tests.training.preferring import episode, view

CONDUCT = Guideline(
    name="conduct", version=1, title="Conduct",
    items=(Item(id="scope", kind="must", text="Change only what is asked.", weight=3.0),
           Item(id="readable", kind="should", text="Write readable diffs.")),
)  # fmt: skip
SCOPE, READABLE = (ItemRef.of(CONDUCT, item) for item in CONDUCT.items)


def say(kind: str, id_: str, annotator: str = "ada", **what: Any) -> Entry:
    said = {"kind": kind, "id": id_, "annotator": annotator, "at": "2026-01-01T00:00:00Z", **what}
    return ENTRY.validate_json(json.dumps(said, default=lambda value: value.model_dump(mode="json")))


def told(name: str, *claims: tuple[str, str], task: str = "t") -> Episode:
    """An episode that looked at a file of its name, and reported with these claims."""
    report = Action("report", {"summary": "all is done", "claims": [{"kind": k, "subject": s} for k, s in claims]})
    made = episode(name, 0.0, view(f"{name}.py"), task=task)
    return replace(made, steps=(made.steps[0], replace(made.steps[1], action=report)))


def run(folder: Path, episodes: Sequence[Episode], *entries: Entry) -> Path:
    """A run folder with these episodes and this feedback."""
    with EpisodeStore(folder) as store:
        for each in episodes:
            store.add(each)
    FeedbackLog(folder).write(*entries)
    return folder


def forget(folder: Path, annotator: str) -> None:
    """Take every line of a person out of a run's feedback."""
    path = folder / FILE
    kept = [line for line in path.read_text().splitlines() if json.loads(line)["annotator"] != annotator]
    path.write_text("".join(f"{line}\n" for line in kept))


def rows(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{kind}.jsonl").read_text().splitlines()]
