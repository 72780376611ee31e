"""What people say in the pages: read strictly, held against the episode that it is said of, kept in the run's log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from journeyman.annotators import login_name
from journeyman.envs.actions import MALFORMED, Action
from journeyman.envs.claims import findings_of
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import (
    ENTRY,
    Adjudication,
    Answer,
    ClaimLabel,
    Correction,
    Critique,
    Entry,
    OfEpisode,
    Place,
    Ranking,
    Score,
    StepLabel,
    Undo,
    episodes_of,
)  # fmt: skip
from journeyman.envs.feedback.log import FeedbackLog, Logged, by_id
from journeyman.envs.feedback.standing import Judged, Mark, standing
from journeyman.envs.guidelines.guideline import Guideline, ItemRef
from journeyman.training.feedback.disputes import is_disputed
from journeyman.viewer.places import found
from journeyman.viewer.plan import plan_panel

FROM_PAGES = (Critique, StepLabel, ClaimLabel, Score, Ranking, Correction, Undo, Answer, Adjudication)
ORIGIN = "page"


class CannotSay(ValueError):
    """It is not kept; the message says why, in a line."""


@dataclass(frozen=True, slots=True)
class Reviewing:
    """How the pages take feedback."""

    annotator: str = ""
    """Who looks, where it was said; else the login name, which a page may change."""
    guidelines: Mapping[str, Guideline] = field(default_factory=dict)
    """Those whose items can be chosen, by name."""

    @property
    def blind(self) -> bool:
        """Whether pages hide, before they are told otherwise, what could sway a judgement."""
        return bool(self.annotator)

    @property
    def name(self) -> str:
        return self.annotator or login_name()


@dataclass(frozen=True, slots=True)
class Note:
    """An entry at its place in an episode's page."""

    judged: Judged
    step: int | None = None
    part: str = ""
    row: int | None = None
    """Of the step's part, from 0, after which it stands."""
    claim: int | None = None
    subtask: int | None = None
    """Its place in the plan, from 0."""

    @property
    def draft(self) -> Critique | None:
        """A critic's draft that nobody has answered."""
        entry = self.judged.entry
        return entry if isinstance(entry, Critique) and self.judged.marks == (Mark.DRAFT,) else None


class Desk:
    """Where feedback of one run is given and read.

    Args:
        episode: the run's episode with an id, or None.
    """

    def __init__(
        self, log: FeedbackLog, episode: Callable[[str], Episode | None], guidelines: Mapping[str, Guideline]
    ) -> None:
        self._log, self._episode, self._guidelines = log, episode, guidelines

    def say(self, body: bytes) -> Entry:
        """Keep what somebody says, and return it. Saying the same again changes nothing.

        Raises:
            CannotSay: it is no entry, or does not fit its episode.
            FeedbackError, LogWriteError: as the log does.
        """
        entry = _read(body)
        entry = self._completed(entry) if isinstance(entry, Critique) else entry
        before = by_id(self._log.read().entries)
        if before.get(entry.id) != entry:
            self._check(entry, before)
            if (ref := getattr(entry, "item", None)) is not None:
                self._log.keep_guideline(self._guidelines[ref.guideline], entry.annotator, ORIGIN)
            self._log.write(entry)
        return entry

    def notes(self, episode: Episode, me: str, *, others: bool) -> list[Note]:
        """What was said of an episode, in order.

        Args:
            others: whether to tell also what others than `me` said; drafts that wait for an answer are told anyway.
        """
        judged = self._standing(self._log.read().of_episode(episode.id))
        subtasks = plan_panel(episode.steps).numbers()
        first = {each.entry.id: each for each in reversed(judged) if episodes_of(each.entry)}
        found = [
            replace(_noted(first[about], episode, subtasks), judged=each)
            for each in judged if (about := _about(each.entry)) in first
        ]  # fmt: skip
        return [each for each in found if others or each.draft or each.judged.entry.annotator == me]

    def judged(self) -> tuple[Judged, ...]:
        """All that was said of the run, and what of it stands."""
        return self._standing(self._log.read())

    def _standing(self, logged: Logged) -> tuple[Judged, ...]:
        return standing(logged, self._episode, {**logged.guidelines(), **self._guidelines})

    def _episode_of(self, name: str) -> Episode:
        if (episode := self._episode(name)) is None:
            raise CannotSay(f"there is no episode {name} in this run")
        return episode

    def _completed(self, entry: Critique) -> Critique:
        """With the text of the lines that it speaks of."""
        place = entry.place
        if place.line is None or place.step is None:
            return entry
        step = _step_of(self._episode_of(entry.episode), place.step)
        if (there := found(step, place)) is None:
            raise CannotSay(f"step {place.step} shows no such lines of {place.path}; choose them again")
        return entry.model_copy(update={"place": place.model_copy(update={"quote": there[2]})})

    def _check(self, entry: Entry, before: Mapping[str, Entry]) -> None:
        match entry:
            case Undo():
                if (said := before.get(entry.of)) is None or said.annotator != entry.annotator:
                    raise CannotSay(f"{entry.annotator} has said nothing that is called {entry.of}")
            case Ranking():
                if len({self._episode_of(name).task for name in entry.episodes}) > 1:
                    raise CannotSay("only episodes of one task are ranked")
            case Answer():
                _check_answer(entry, before)
            case Adjudication():
                if not is_disputed(entry.of, self.judged()):
                    raise CannotSay("that is no conflict any more: load the page again")
            case OfEpisode():
                _check_place(entry, self._episode_of(entry.episode))
        self._check_item(getattr(entry, "item", None))

    def _check_item(self, ref: ItemRef | None) -> None:
        if ref is None:
            return
        guideline = self._guidelines.get(ref.guideline)
        item = guideline.item(ref.item) if guideline else None
        if guideline is None or item is None or ItemRef.of(guideline, item) != ref:
            raise CannotSay(f"{ref} is not what the guideline says now: load the page again and choose the item anew")


def _read(body: bytes) -> Entry:
    try:
        entry = ENTRY.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        raise CannotSay(f"{where + ': ' if where else ''}{first['msg']}") from error
    if not isinstance(entry, FROM_PAGES):
        raise CannotSay(f"the pages don't say a {entry.kind}")
    if entry.origin != ORIGIN or entry.simulated or entry.draft:
        raise CannotSay("what is said in a page is said by a person: leave out `origin`, `simulated` and `draft`")
    try:
        at = datetime.fromisoformat(entry.at)
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        raise CannotSay("at: a time in UTC, as 2025-01-31T12:00:00Z")
    return entry


def _check_answer(entry: Answer, before: Mapping[str, Entry]) -> None:
    if (draft := before.get(entry.of)) is None or not draft.draft:
        raise CannotSay(f"there is no draft that is called {entry.of}")
    own = before.get(entry.by) if entry.by is not None else None
    if entry.by is not None and (own is None or own.annotator != entry.annotator):
        raise CannotSay(f"{entry.annotator} has said nothing that is called {entry.by}")


def _about(entry: Entry) -> str:
    """The id of the entry at whose place one stands: its own, of an answer the draft, of an adjudication the first."""
    match entry:
        case Answer():
            return entry.of
        case Adjudication():
            return entry.of[0]
    return entry.id


def _step_of(episode: Episode, number: int) -> Any:
    if number > len(episode.steps):
        raise CannotSay(f"the episode has {len(episode.steps)} steps, there is no step {number}")
    return episode.steps[number - 1]


def _check_place(entry: OfEpisode, episode: Episode) -> None:
    """Raise CannotSay where an episode does not have what is spoken of."""
    match entry:
        case Critique(place=place):
            if place.step is not None:
                _step_of(episode, place.step)
            if place.line is not None and place.step is None:
                raise CannotSay("a line is one that a step shows: give `step`")
            if place.subtask and place.subtask not in plan_panel(episode.steps).numbers():
                raise CannotSay("the plan has no such subtask; load the page again")
        case StepLabel(step=number):
            _step_of(episode, number)
        case ClaimLabel():
            if entry.claim >= (count := len(findings_of(episode.steps))):
                raise CannotSay(f"the report makes {count} claims, there is none with the number {entry.claim}")
        case Correction(step=number):
            _step_of(episode, number)
            tool, arguments = entry.action.get("tool"), {k: v for k, v in entry.action.items() if k != "tool"}
            if not isinstance(tool, str):
                raise CannotSay('an action is {"tool": NAME, argument: …}')
            if (read := Action.checked(tool, arguments)).tool == MALFORMED:
                raise CannotSay(f"the action cannot be taken: {read.arguments['why']}")


def _noted(judged: Judged, episode: Episode, subtasks: Mapping[str, int]) -> Note:
    match judged.entry:
        case Critique(place=said):
            place: Place = judged.place or said
            subtask = subtasks.get(place.subtask)
            if place.step is None or place.step > len(episode.steps):
                return Note(judged, subtask=subtask)
            there = found(episode.steps[place.step - 1], place)
            part, row = (there[0], there[1]) if there else ("", None)
            return Note(judged, place.step, part, row)
        case StepLabel(step=step) | Correction(step=step):
            return Note(judged, step)
        case ClaimLabel(claim=claim):
            return Note(judged, claim=claim)
    return Note(judged)
