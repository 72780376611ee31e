"""Which entries stand: not undone, of an episode and a place that are there, judged by what a guideline still means.

Nothing that was said is dropped. What cannot be used says why, in its `marks`. It depends on what was said, not on the
order of the lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from journeyman.envs.actions import Action
from journeyman.envs.claims import report_of
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import (
    IMPORT,
    ClaimLabel,
    Correction,
    Critique,
    Entry,
    GuidelineRead,
    Place,
    Ranking,
    Resolution,
    Score,
    StepLabel,
    episodes_of,
)
from journeyman.envs.feedback.log import Logged, by_id
from journeyman.envs.feedback.marks import Mark
from journeyman.envs.feedback.places import Files, moved
from journeyman.envs.feedback.references import References, Why, moment, references, settled, who
from journeyman.envs.guidelines.guideline import Guideline, ItemRef
from journeyman.envs.store import EpisodeStore, StoreError

__all__ = ["FindEpisode", "Judged", "Mark", "finder", "standing"]

FindEpisode = Callable[[str], Episode | None]
"""The episode with an id, where it is there."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An entry, and whether it stands."""

    entry: Entry
    marks: tuple[Mark, ...] = ()
    why: str = ""
    """The marks in words, for people."""
    place: Place | None = None
    """Of a critique that has moved: where it belongs now."""

    @property
    def stands(self) -> bool:
        return not self.marks


def standing(logged: Logged, episode: FindEpisode, guidelines: Mapping[str, Guideline]) -> tuple[Judged, ...]:
    """Every entry of a log, in order, with what keeps it from being used.

    Args:
        guidelines: as they are now, by name; items of others are taken as they were read.
    """
    first = by_id(logged.entries)
    ambiguous = frozenset(entry.id for entry in logged.entries if entry != first[entry.id])
    known = {entry.id: entry for entry in logged.entries if entry.id not in ambiguous}
    said = references(known, ambiguous)
    seen = _Seen(known, episode, guidelines)
    found: dict[str, list[Why]] = {}
    for id_, entry in known.items():
        found[id_] = [*_of_others(entry, said), *seen.marks.get(id_, ())]
    for id_, why in _repeated(known, found).items():
        found[id_].append(why)
    for id_, why in [*_adjudicated(said, found)]:
        found[id_].append(why)
    once = set[str]()
    judged = []
    for entry in logged.entries:
        whys = found.get(entry.id, [(Mark.AMBIGUOUS, f"several entries are called {entry.id}")])
        if entry.id in known and entry.id in once:
            whys = [(Mark.DUPLICATE, "the same line once more"), *whys]
        once.add(entry.id)
        whys = sorted(whys, key=lambda why: _ORDER[why[0]])
        marks = tuple(dict.fromkeys(mark for mark, _ in whys))
        place = seen.places.get(entry.id) if entry.id in known else None
        judged.append(Judged(entry, marks, "; ".join(why for _, why in whys), place))
    return tuple(judged)


_ORDER = {mark: n for n, mark in enumerate(Mark)}


def _of_others(entry: Entry, said: References) -> list[Why]:
    """What other entries make of one."""
    found: list[Why] = []
    if entry.id in said.undone:
        found.append((Mark.UNDONE, f"taken back by {entry.annotator}"))
    if isinstance(entry, Resolution) and entry.of in said.undone:
        found.append((Mark.UNDONE, f"{entry.of} was taken back"))
    if entry.draft:
        answer = said.answers.get(entry.id)
        if answer is None:
            found.append((Mark.DRAFT, "nobody has accepted it"))
        elif answer.decision != "accepted":
            found.append((Mark.REJECTED, f"{answer.decision} by {answer.annotator}"))
    if (later := said.superseded.get(entry.id)) is not None:
        by_person = entry.simulated and not later.simulated
        found.append((Mark.DUPLICATE, f"decided {'by a person' if by_person else 'again later'}: {later.id}"))
    if (wrong := said.wrong.get(entry.id)) is not None:
        found.append(wrong)
    return found


_PASSED_OVER = frozenset(Mark) - {Mark.SETTLED, Mark.MOVED}
"""What bears one of these takes no other's place: an earlier judgement is as good as if it had not been said."""


def _repeated(known: Mapping[str, Entry], found: Mapping[str, Sequence[Why]]) -> dict[str, Why]:
    """By id: what the same annotator has judged again later, or at once in another way."""
    groups: dict[object, list[Entry]] = defaultdict(list)
    for id_, entry in known.items():
        if (about := _about(entry)) is not None and _PASSED_OVER.isdisjoint(mark for mark, _ in found[id_]):
            groups[(entry.kind, who(entry), about)].append(entry)
    whys: dict[str, Why] = {}
    for group in groups.values():
        last = max(group, key=moment)
        whys |= {entry.id: (Mark.DUPLICATE, f"said again later: {last.id}") for entry in group if entry is not last}
        at_once = [entry for entry in group if moment(entry)[0] == moment(last)[0]]
        # An id made here tells which came later; an imported one is a digest, and would decide by chance.
        if any(entry.origin.startswith(IMPORT) for entry in at_once) and any(
            _verdict(entry) != _verdict(last) for entry in at_once
        ):
            ids = " and ".join(sorted(entry.id for entry in at_once))
            whys |= {entry.id: (Mark.AMBIGUOUS, f"{ids} say otherwise at one time: undo one") for entry in at_once}
    return whys


def _adjudicated(said: References, found: Mapping[str, Sequence[Why]]) -> Iterator[tuple[str, Why]]:
    """By id: what does not hold by an adjudication; and adjudications that settle nothing any more, since what they
    hold by counts for nothing itself. Where its annotator has said it again, a later word stands in its place."""
    holding = []
    for each in said.adjudications:
        lost = dict.fromkeys(mark for mark, _ in found.get(each.holds or "", ()) if mark is not Mark.DUPLICATE)
        yield from ((each.id, (mark, f"{each.holds}, by which it holds, does not count")) for mark in lost)
        if not lost:
            holding.append(each)
    for id_, settling in settled(holding).items():
        yield id_, (Mark.SETTLED, f"an adjudication of {settling.annotator} says otherwise")


def _verdict(entry: Entry) -> object:
    """What an entry judges of what it is about."""
    match entry:
        case StepLabel() | ClaimLabel():
            return entry.label
        case Score():
            return entry.value
        case Ranking():
            return dict(zip(entry.episodes, entry.ranks, strict=True))
        case Correction():
            return entry.action
    return None


def _about(entry: Entry) -> object | None:
    """What an entry judges: of two about the same by one annotator the later one holds."""
    ref: ItemRef | None = getattr(entry, "item", None)
    item = (ref.guideline, ref.item) if ref is not None else None
    match entry:
        case Critique():
            where = entry.place.model_copy(update={"quote": ""})
            return entry.episode, item, where, " ".join(entry.body.split())
        case StepLabel() | Correction():
            return entry.episode, item, entry.step
        case ClaimLabel():
            return entry.episode, item, entry.claim
        case Score():
            return entry.episode, item
        case Ranking():
            return frozenset(entry.episodes), item
        case Resolution():
            return entry.of
    return None


class _Seen:
    """Entries held against episodes and guidelines: `marks` and new `places`, by id. Each episode is read once."""

    def __init__(self, known: Mapping[str, Entry], episode: FindEpisode, guidelines: Mapping[str, Guideline]) -> None:
        self.marks: dict[str, list[Why]] = defaultdict(list)
        self.places: dict[str, Place] = {}
        by_episode: dict[str, list[Entry]] = defaultdict(list)
        tasks: dict[str, str] = {}
        for entry in known.values():
            of = known.get(entry.of) if isinstance(entry, Resolution) else entry
            for id_ in episodes_of(of) if of is not None else ():
                by_episode[id_].append(entry)
        for id_, entries in sorted(by_episode.items()):
            if (there := episode(id_)) is not None:
                tasks[id_] = there.task
                facts = _Facts(there)
            for entry in entries:
                if there is None:
                    self.marks[entry.id].append((Mark.UNKNOWN, f"no episode {id_}"))
                else:
                    self._of_episode(entry, facts)
        read = _as_read(known)
        for entry in known.values():
            if (ref := getattr(entry, "item", None)) is not None:
                self.marks[entry.id] += _of_item(ref, read, guidelines)
            if isinstance(entry, Ranking):
                ranked = sorted({tasks[id_] for id_ in entry.episodes if id_ in tasks})
                if len(ranked) > 1:
                    self.marks[entry.id].append((Mark.MALFORMED, f"ranks across tasks: {', '.join(ranked)}"))

    def _of_episode(self, entry: Entry, facts: _Facts) -> None:
        place = entry.place if isinstance(entry, Critique) else Place()
        step = place.step if isinstance(entry, Critique) else getattr(entry, "step", None)
        found = self.marks[entry.id]
        if step is not None and step > len(facts.episode.steps):
            found.append((Mark.UNKNOWN, f"no step {step} of {len(facts.episode.steps)}"))
        elif (there := moved(facts.files, place)) is not None:
            found.append((Mark.MOVED, there.why))
            if there.place is not None:
                self.places[entry.id] = there.place
        if place.subtask and place.subtask not in facts.subtasks:
            found.append((Mark.UNKNOWN, f"no subtask {place.subtask!r} in its plans"))
        if isinstance(entry, ClaimLabel) and entry.claim >= facts.claims:
            found.append((Mark.UNKNOWN, f"no claim {entry.claim} of {facts.claims}, counted from 0"))
        if isinstance(entry, Correction) and (why := _no_action(entry.action)):
            found.append((Mark.MALFORMED, f"no action: {why}"))


class _Facts:
    """What entries can speak of in an episode."""

    def __init__(self, episode: Episode) -> None:
        self.episode = episode
        self.files = Files(episode.steps)
        self.subtasks = set[str]()
        report = report_of(episode.steps)
        self.claims = len(report.claims) if report is not None else 0
        for step in episode.steps:
            if step.action.tool == "plan" and (plan := step.action.parsed_or_none()) is not None:
                self.subtasks |= {subtask.title for subtask in plan.subtasks}


def _no_action(said: Mapping[str, Any]) -> str:
    """Why something is no action that a tool reads; empty for one that is."""
    arguments = dict(said)
    tool = arguments.pop("tool", None)
    if not isinstance(tool, str):
        return "`tool` names none"
    action = Action.checked(tool, arguments)
    return "" if action.tool == tool else str(action.arguments["why"])


def _as_read(known: Mapping[str, Entry]) -> Mapping[tuple[str, int], set[tuple[str, str]]]:
    """The items of each guideline's versions that were read, each with what it meant."""
    read: dict[tuple[str, int], set[tuple[str, str]]] = defaultdict(set)
    for entry in known.values():
        if isinstance(entry, GuidelineRead):
            guideline = entry.guideline
            read[guideline.name, guideline.version] |= {(item.id, item.digest) for item in guideline.items}
    return read


def _of_item(
    ref: ItemRef,
    read: Mapping[tuple[str, int], set[tuple[str, str]]],
    guidelines: Mapping[str, Guideline],
) -> list[Why]:
    """Why what was judged by an item does not hold any more, or never could."""
    if (items := read.get((ref.guideline, ref.version))) and (ref.item, ref.digest) not in items:
        there = any(id_ == ref.item for id_, _ in items)
        return [(Mark.UNKNOWN, f"{ref} {'never meant what was judged by' if there else 'was never there'}")]
    if (now := guidelines.get(ref.guideline)) is None:
        return []
    item = now.item(ref.item)
    if item is None:
        return [(Mark.STALE, f"{ref} is gone in version {now.version}")]
    if item.digest != ref.digest:
        return [(Mark.STALE, f"{ref} meant something else than in version {now.version}")]
    return []


def finder(store: EpisodeStore) -> FindEpisode:
    """Looks episodes up in a run by their whole id; one that is damaged is not there."""

    def find(id_: str) -> Episode | None:
        try:
            found = store.get(id_)
        except StoreError:
            return None
        return found if found.id == id_ else None

    return find
