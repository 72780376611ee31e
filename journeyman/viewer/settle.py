"""What annotators of a run judge differently, each conflict with what it is about and what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from journeyman.envs.claims import findings_of
from journeyman.envs.episode import Episode, Step
from journeyman.envs.feedback.entry import Entry
from journeyman.envs.feedback.standing import FindEpisode, Judged
from journeyman.training.feedback.agreement import Contested
from journeyman.training.feedback.disputes import disputes

MOST = 50
"""Conflicts on a page; others come when these are settled."""


@dataclass(frozen=True, slots=True)
class Conflict:
    contested: Contested
    entries: tuple[Entry, ...]
    """By when they were said."""
    episodes: tuple[str, ...]
    """One, or the two that are ranked differently."""
    step: int | None = None
    done: Step | None = None
    """The step that is judged."""
    claim: str = ""
    """What is claimed."""
    report: str = ""


@dataclass(frozen=True, slots=True)
class Conflicts:
    shown: tuple[Conflict, ...]
    more: int


def conflicts_of(judged: Sequence[Judged], find: FindEpisode) -> Conflicts:
    """The widest apart first."""
    known = {each.entry.id: each.entry for each in judged}
    found = disputes(judged)
    return Conflicts(tuple(_conflict(each, known, find) for each in found[:MOST]), max(0, len(found) - MOST))


def _conflict(contested: Contested, known: dict[str, Entry], find: FindEpisode) -> Conflict:
    entries = tuple(sorted((known[id_] for id_ in contested.entries), key=lambda entry: entry.at))
    ids = tuple(str(id_) for id_ in contested.unit[: 2 if contested.kind == "ranking" else 1])
    episode, about = find(ids[0]), contested.unit[1]
    if episode is None or not isinstance(about, int):
        return Conflict(contested, entries, ids, report=_report(episode) if contested.kind == "score" else "")
    if contested.kind == "step":
        return Conflict(contested, entries, ids, step=about, done=episode.steps[about - 1])
    findings = findings_of(episode.steps)
    claim = findings[about].claim if about < len(findings) else None
    said = f"{claim.kind} {claim.subject}".strip() if claim else ""
    return Conflict(contested, entries, ids, claim=said, report=_report(episode))


def _report(episode: Episode | None) -> str:
    last = episode.steps[-1].action if episode is not None and episode.steps else None
    return str(last.arguments.get("summary", "")) if last is not None and last.tool == "report" else ""
