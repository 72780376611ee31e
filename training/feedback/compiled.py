"""A folder of compiled feedback as training reads it: preferences, labels, actions to imitate, a voice in rewards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

from journeyman.envs.actions import Action
from journeyman.envs.episode import Ancestry, Change, Episode, Step
from journeyman.envs.feedback.entry import SIMULATED as PREFIX
from journeyman.envs.observation import Observation
from journeyman.envs.store import EpisodeStore, StoreError
from journeyman.training.feedback.compile import digest_of
from journeyman.training.feedback.manifest import CompiledError, read_manifest, read_rows
from journeyman.training.feedback.rows import CorrectedOf, LabelOf, PairOf, Row, ScoreOf, Side, Source, StepOf, deeds
from journeyman.training.hybrid import Told
from journeyman.training.preferences import Label, Preference

R = TypeVar("R", bound=Row)
S = TypeVar("S", ScoreOf, StepOf, ScoreOf | StepOf)
PEOPLE, SIMULATED = "people", "simulated"
"""What the terms of a reward are called."""


@dataclass(frozen=True, slots=True)
class Imitated:
    """What is learned from a correction."""

    row: CorrectedOf
    episode: Episode
    """What came before the step, and the corrected action, which alone is learned."""
    tool_given: bool
    """Whether the policy had called the same tool: then only what it is called with is learned. Else whoever learns
    from reports put right learns above all to report, whatever has been done."""


class Compiled:
    """Compiled feedback, with the episodes that it is about.

    Raises:
        CompiledError: there is none, it was changed, or an episode is not what it was.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        self._stores = {run.name: EpisodeStore(folder / run.folder) for run in self.manifest.runs}

    def rows(self, kind: type[R], name: str) -> list[R]:
        return [row for row in read_rows(self.folder, self.manifest, name) if isinstance(row, kind)]

    def episode(self, id_: str) -> Episode:
        """An episode, as it was when the feedback was compiled."""
        read = self.manifest.episodes[id_]
        try:
            found = self._stores[read.run].get(id_)
        except StoreError as error:
            raise CompiledError(f"{self.folder}: {error}; put the run back, or compile again") from error
        if digest_of(found) != read.digest:
            raise CompiledError(f"episode {id_} is not what it was when {self.folder} was compiled; compile again")
        return found

    def preferences(self) -> list[Preference]:
        found = []
        for row in self.rows(PairOf, "pairs.jsonl"):
            chosen, rejected = self._side(row.chosen), self._side(row.rejected)
            by = ", ".join(sorted({_name(source) for source in row.sources}))
            shared = _shared(chosen, rejected)
            found.append(Preference(chosen, rejected, row.margin, row.said, shared, by=by, row=row.id))
        return found

    def labels(self) -> list[Label]:
        rows = self.rows(LabelOf, "labels.jsonl")
        return [Label(self.episode(row.episode), row.desirable, row.said, row=row.id) for row in rows]

    def imitated(self) -> list[Imitated]:
        return [self._imitated(row) for row in self.rows(CorrectedOf, "corrected.jsonl")]

    def _imitated(self, row: CorrectedOf) -> Imitated:
        episode = self.episode(row.episode)
        given = episode.steps[row.step - 1].action.tool == row.action["tool"]
        return Imitated(row, _corrected(episode, row.step - 1, row.action), given)

    def _side(self, side: Side) -> Episode:
        episode = self.episode(side.episode)
        return episode if side.steps is None or side.action is None else _corrected(episode, side.steps, side.action)


def _corrected(episode: Episode, steps: int, action: Mapping[str, Any]) -> Episode:
    """An episode's first steps, and then another action."""
    arguments = {name: value for name, value in action.items() if name != "tool"}
    step = Step(Action(str(action["tool"]), arguments), Observation("", str(action["tool"])))
    before = episode.steps[:steps]
    return replace(episode, steps=(*before, step), ancestry=Ancestry(episode.id, steps, Change.ACTION, "corrected"))


class Voices:
    """What people said, as a part of a training's reward: an `Outside`.

    A judgement holds for every episode that did the same: that made the same actions, up to the judged step, on the
    same version of the task.
    """

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled

    @property
    def name(self) -> str:
        return f"feedback:{self._compiled.manifest.digest}"

    def learned(self, group: Sequence[Episode]) -> dict[str, dict[str, Told]]:
        return {
            episode.id: {SIMULATED if all(row.simulated for row in _heard(said)) else PEOPLE: _told(said)}
            for episode in group if (said := self._scores.get(deeds(episode)))
        }  # fmt: skip

    def steps(self, episode: Episode) -> list[Told | None]:
        if episode.task not in self._tasks:
            return [None] * len(episode.steps)
        said = (self._steps.get(deeds(episode, number)) for number in range(1, len(episode.steps) + 1))
        return [_told(rows) if rows else None for rows in said]

    @cached_property
    def _scores(self) -> dict[str, list[ScoreOf]]:
        found: dict[str, list[ScoreOf]] = {}
        for row in self._compiled.rows(ScoreOf, "scores.jsonl"):
            found.setdefault(row.same, []).append(row)
        return found

    @cached_property
    def _steps(self) -> dict[str, list[StepOf]]:
        found: dict[str, list[StepOf]] = {}
        for row in self._compiled.rows(StepOf, "steps.jsonl"):
            found.setdefault(row.same, []).append(row)
        return found

    @cached_property
    def _tasks(self) -> frozenset[str]:
        return frozenset(row.task for rows in self._steps.values() for row in rows)


def _heard(rows: Sequence[S]) -> Sequence[S]:
    """Of episodes that did the same, what persons said; what programs did where no person said anything."""
    return [row for row in rows if not row.simulated] or rows


def _told(rows: Sequence[ScoreOf | StepOf]) -> Told:
    """The mean of what was said of episodes that did the same."""
    heard = _heard(rows)
    said = "; ".join(f"row {row.id}: {row.said}" for row in heard)
    return Told(fmean(row.value for row in heard), f"{SIMULATED}: {said}" if heard[0].simulated else said)


def _name(source: Source) -> str:
    """The annotator's, of a program so that it is seen to be one."""
    is_marked = source.origin != "simulated" or source.annotator.startswith(PREFIX)
    return source.annotator if is_marked else f"{PREFIX}{source.annotator}"


def _shared(one: Episode, other: Episode) -> int:
    """So many first actions are the same in both, at most all but the last of the shorter one."""
    most = min(len(one.steps), len(other.steps)) - 1
    return next((at for at in range(most) if deeds(one, at + 1) != deeds(other, at + 1)), most)
