"""Entries and episodes for tests of feedback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.feedback.entry import ENTRY, Entry
from journeyman.envs.feedback.log import Logged
from journeyman.envs.feedback.standing import Judged, standing
from journeyman.envs.guidelines.guideline import Guideline
from journeyman.envs.observation import Observation


def said(kind: str, id_: str, by: str = "ada", at: int = 0, **fields: Any) -> Entry:
    """An entry, said `at` so many seconds after nine."""
    when = f"2026-01-01T09:{at // 60:02}:{at % 60:02}Z"
    return ENTRY.validate_python({"kind": kind, "id": id_, "annotator": by, "at": when, **fields})


def label(id_: str, by: str = "ada", at: int = 0, step: int = 1, label: str = "bad", **fields: Any) -> Entry:
    return said("step", id_, by, at, **{"episode": "e1", "step": step, "label": label, **fields})


def episode(steps: Sequence[Step] = (), id_: str = "e1", task: str = "t") -> Episode:
    first = Observation("Mend it.")
    return Episode(id_, task, "p", 0, first, tuple(steps), StopReason.REPORTED, None, (), None)


def step(tool: str = "run", diff: str = "", shown: str = "", **arguments: Any) -> Step:
    return Step(Action(tool, arguments), Observation(shown, tool), diff=diff)


def judged(
    entries: Sequence[Entry], *episodes: Episode, now: Mapping[str, Guideline] | None = None
) -> dict[str, Judged]:
    """By id, with the episodes that there are; without any, "e1" of three steps."""
    there = {each.id: each for each in episodes or [episode([step()] * 3)]}
    return {each.entry.id: each for each in standing(Logged(tuple(entries), ()), there.get, now or {})}


def marks(entries: Sequence[Entry], *episodes: Episode, now: Mapping[str, Guideline] | None = None) -> dict[str, str]:
    """By id: the marks in one string, empty for what stands."""
    return {id_: " ".join(each.marks) for id_, each in judged(entries, *episodes, now=now).items()}
