"""The story of a plan: what became of each of its subtasks, from the record alone.

A `plan` replaces the last one, so a subtask's identity must be found. In this order, one to one:

1. *The same title* (letter case and blanks aside) is the same subtask, also one that an earlier plan held and a later
   left out. Who bears a title now goes before who once did.
2. *A reworded one*: of the last plan's subtasks that are left and the new titles that are left, the most alike belong
   together first, if they are alike enough (`ALIKE`). Likeness is Dice's coefficient of three-letter pieces
   (`likeness`); who stands at the same place of the list has `SAME_PLACE` more. Of equals the earlier goes first.
3. What then is left of the new plan is opened. What is left of the old one is dropped, if it was still open: a plan
   may leave off what is done.

What is said of a closing (`Closing.standing`) is judged from the steps before it, as claims are (envs/claims.py).
Nothing is paid for any of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from journeyman.envs.actions import Plan, Subtask
from journeyman.envs.claims import Standing
from journeyman.envs.episode import Step
from journeyman.envs.evidence import weigh

ALIKE = 0.5
"""Two titles at least this much alike are one subtask, reworded."""
SAME_PLACE = 0.2
"""What standing at the same place of the list adds."""
MOST = 400
"""Subtasks that are followed, at the most; later ones are counted."""
_COMPARED = 200_000
"""Pairs of titles that one story compares, at the most: then only the same title is the same subtask."""
_JUDGED = 200
"""Plans whose closings are held against the record, at the most."""
CHANGES = ("opened", "closed", "dropped", "reopened", "reworded")
"""What a plan may do to a subtask: see `Revision`."""

Status = Literal["open", "done", "dropped"]
_LEADS_TO: dict[str, Status] = {"opened": "open", "reopened": "open", "closed": "done", "dropped": "dropped"}


@dataclass(frozen=True, slots=True)
class Closing:
    """A plan called a subtask done that was not so before."""

    at: int
    """The step of that plan, from 1."""
    evidence: str | None
    confidence: float | None
    standing: Standing | None
    """What the record before it says to the evidence; None without evidence."""
    because: str
    """The steps that decide it, in words; empty without evidence."""
    work: tuple[int, int] | None
    """First and last step since the subtask was opened, or since a plan last closed something, whichever came later:
    the work that falls to it. Those that are closed together share theirs. None where there was no step between."""


@dataclass(slots=True)
class Part:
    """The life of one subtask."""

    titles: list[str]
    """As it was first written, and each time that it was written otherwise."""
    opened_at: int
    place: int
    """Its place in the plan that opened it, from 0."""
    status: Status = "open"
    """In the end."""
    closings: list[Closing] = field(default_factory=list)
    dropped_at: int | None = None
    """The plan that dropped it or left it out; None where it was not, or came back."""
    reopened: int = 0
    """How often it was open again after it was done or dropped."""
    evidence: str | None = None
    """As said last."""
    confidence: float | None = None
    """As said last."""

    @property
    def title(self) -> str:
        return self.titles[-1]

    @property
    def revisions(self) -> int:
        """How often it was written otherwise."""
        return len(self.titles) - 1

    @property
    def closed_at(self) -> int | None:
        """The step that closed it, if it is done in the end."""
        return self.closings[-1].at if self.status == "done" and self.closings else None

    def to_dict(self) -> dict[str, Any]:
        return {
            "title": self.title, "titles": list(self.titles), "status": self.status, "opened_at": self.opened_at,
            "closed_at": self.closed_at, "dropped_at": self.dropped_at, "reopened": self.reopened,
            "revisions": self.revisions, "evidence": self.evidence, "confidence": self.confidence,
            "closings": [
                {"at": each.at, "evidence": each.evidence, "confidence": each.confidence,
                 "standing": each.standing.value if each.standing else None, "because": each.because,
                 "work": list(each.work) if each.work else None}
                for each in self.closings
            ],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Revision:
    """What one plan changed; subtasks by their number in `PlanStory.parts`."""

    at: int
    opened: tuple[int, ...] = ()
    closed: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()
    reopened: tuple[int, ...] = ()
    reworded: tuple[int, ...] = ()

    def __str__(self) -> str:
        """ "opened 2, closed 1", or "nothing new"."""
        return ", ".join(f"{name} {len(which)}" for name in CHANGES if (which := getattr(self, name))) or "nothing new"


@dataclass(frozen=True, slots=True)
class PlanStory:
    """All plans of an episode."""

    parts: tuple[Part, ...]
    """In the order in which they were opened."""
    revisions: tuple[Revision, ...]
    """One for each plan; the first opens what it holds."""
    not_followed: int = 0
    """Subtasks beyond `MOST`."""

    def __bool__(self) -> bool:
        return bool(self.revisions)

    def states(self, number: int) -> list[Status | None]:
        """A subtask's status after each plan; None before it was opened."""
        now: Status | None = None
        states: list[Status | None] = []
        for each in self.revisions:
            for name in CHANGES:  # opened comes first: it may be closed in the plan that opens it
                if number in getattr(each, name):
                    now = _LEADS_TO.get(name, now)
            states.append(now)
        return states

    def to_dict(self) -> dict[str, Any]:
        return {
            "parts": [part.to_dict() for part in self.parts],
            "revisions": [{"at": r.at, **{name: list(getattr(r, name)) for name in CHANGES}} for r in self.revisions],
            "not_followed": self.not_followed,
        }


def story_of(steps: Sequence[Step]) -> PlanStory:
    """What became of each subtask that an episode planned. Plans that could not be read take no part."""
    follower = Follower()
    for judged, (number, plan) in enumerate(plans_in(steps)):
        follower.take(number, plan, steps[: number - 1] if judged < _JUDGED else None)
    return follower.told()


def plans_in(steps: Sequence[Step]) -> Iterator[tuple[int, Plan]]:
    """Each plan that was taken, with its step from 1."""
    for number, step in enumerate(steps, 1):
        if (
            step.action.tool == "plan"
            and step.observation.ok
            and isinstance(plan := step.action.parsed_or_none(), Plan)
        ):
            yield number, plan


def likeness(one: str, other: str) -> float:
    """How much two titles are alike, 0 to 1: Dice's coefficient of their three-letter pieces, letter case aside."""
    first, second = _pieces(one), _pieces(other)
    return 2 * len(first & second) / (len(first) + len(second))


@lru_cache(maxsize=4096)
def _pieces(title: str) -> frozenset[str]:
    text = f"  {_plain(title)} "
    return frozenset(text[at : at + 3] for at in range(len(text) - 2))


def _plain(title: str) -> str:
    return " ".join(title.casefold().split())


class Follower:
    """Takes plans as they come."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._by_title: dict[str, list[int]] = {}
        self._last: list[int] = []
        """The last plan's subtasks, by number, in its order."""
        self._revisions: list[Revision] = []
        self._closed_at = 0
        """The last plan that closed something."""
        self._not_followed = 0
        self._compared = 0

    def told(self) -> PlanStory:
        return PlanStory(tuple(self._parts), tuple(self._revisions), self._not_followed)

    def take(self, at: int, plan: Plan, before: Sequence[Step] | None) -> Revision:
        """Go on with a plan.

        Args:
            at: its step, from 1.
            before: the steps before it, which evidence is held against; None leaves it unjudged.
        """
        found = self._same_title(plan.subtasks)
        self._reworded(plan.subtasks, found)
        changed: dict[str, list[int]] = {name: [] for name in CHANGES}
        now: list[int] = []
        for place, subtask in enumerate(plan.subtasks):
            number = found.get(place)
            if number is None:
                if len(self._parts) >= MOST:
                    self._not_followed += 1
                    continue
                number = self._open(subtask, at, place)
                changed["opened"].append(number)
            self._say(number, subtask, at, changed)
            now.append(number)
        for number in self._last:
            if number not in now and self._parts[number].status == "open":
                self._parts[number].status, self._parts[number].dropped_at = "dropped", at
                changed["dropped"].append(number)
        self._close(at, changed["closed"], before)
        self._last = now
        revision = Revision(at, **{name: tuple(which) for name, which in changed.items()})
        self._revisions.append(revision)
        return revision

    def _same_title(self, subtasks: Sequence[Subtask]) -> dict[int, int]:
        """Place in the new plan → number of the subtask with that title."""
        found: dict[int, int] = {}
        taken: set[int] = set()
        for with_old_titles in (False, True):
            for place, subtask in enumerate(subtasks):
                title = _plain(subtask.title)
                numbers = [
                    number
                    for number in self._by_title.get(title, ())
                    if number not in taken and (with_old_titles or _plain(self._parts[number].title) == title)
                ]
                if numbers and place not in found:
                    # Of several with one title, those of the last plan first: others may be long done.
                    found[place] = next((number for number in numbers if number in self._last), numbers[0])
                    taken.add(found[place])
        return found

    def _reworded(self, subtasks: Sequence[Subtask], found: dict[int, int]) -> None:
        """Add to `found` what is the same subtask by another title."""
        taken = set(found.values())
        old = [(place, number) for place, number in enumerate(self._last) if number not in taken]
        new = [place for place in range(len(subtasks)) if place not in found]
        self._compared += len(old) * len(new)
        if self._compared > _COMPARED:
            return
        pairs = []
        for then, number in old:
            for now in new:
                alike = likeness(self._parts[number].title, subtasks[now].title) + SAME_PLACE * (then == now)
                if alike >= ALIKE:
                    pairs.append((-alike, then, now, number))
        for _, _, now, number in sorted(pairs):
            if now not in found and number not in taken:
                found[now] = number
                taken.add(number)

    def _open(self, subtask: Subtask, at: int, place: int) -> int:
        number = len(self._parts)
        self._parts.append(Part([subtask.title], at, place))
        self._by_title.setdefault(_plain(subtask.title), []).append(number)
        return number

    def _say(self, number: int, subtask: Subtask, at: int, changed: dict[str, list[int]]) -> None:
        """What a plan says of a subtask."""
        part = self._parts[number]
        if _plain(subtask.title) != _plain(part.title):
            same = self._by_title.setdefault(_plain(subtask.title), [])
            same.extend([number] if number not in same else [])
            changed["reworded"].append(number)
        if subtask.title != part.title:
            part.titles.append(subtask.title)
        part.evidence = subtask.evidence or part.evidence
        part.confidence = part.confidence if subtask.confidence is None else subtask.confidence
        if subtask.status != part.status:
            if subtask.status == "open":
                part.reopened += 1
            changed[{"open": "reopened", "done": "closed", "dropped": "dropped"}[subtask.status]].append(number)
            part.status, part.dropped_at = subtask.status, at if subtask.status == "dropped" else None

    def _close(self, at: int, closed: Sequence[int], before: Sequence[Step] | None) -> None:
        parts = [self._parts[number] for number in closed]
        said = list(dict.fromkeys(part.evidence for part in parts if part.evidence is not None))
        weighed = dict(zip(said, weigh(said, before), strict=True)) if said and before is not None else {}
        for part in parts:
            first = max(part.opened_at, self._closed_at) + 1
            standing, because = weighed.get(part.evidence or "", (None, ""))
            work = (first, at - 1) if first < at else None
            part.closings.append(Closing(at, part.evidence, part.confidence, standing, because, work))
        if closed:
            self._closed_at = at
