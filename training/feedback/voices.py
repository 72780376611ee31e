"""What was said of the episodes of some runs, as far as it stands: a `Voice` for each entry that may become a row."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Literal, TypeVar

from journeyman.envs.episode import Episode, Step
from journeyman.envs.feedback.entry import (
    BY_RULE,
    RULE,
    Adjudication,
    Answer,
    Entry,
    GuidelineRead,
    Resolution,
    Undo,
    episodes_of,
)
from journeyman.envs.feedback.log import FeedbackLog, Logged, by_id, parse
from journeyman.envs.feedback.references import moment, precedence, spoken
from journeyman.envs.feedback.standing import finder, standing
from journeyman.envs.guidelines.guideline import Guideline, ItemRef
from journeyman.envs.store import EpisodeStore
from journeyman.training.feedback.rows import LeftOut, Source
from journeyman.training.progress import Progress, silent
from journeyman.training.resolutions import ends

ABOUT_ENTRIES = (Undo, Adjudication, Answer, Resolution, GuidelineRead)
"""What says nothing of an episode itself."""
SIMULATED = "simulated"

E = TypeVar("E", bound=Entry)


@dataclass(frozen=True, slots=True)
class Settles:
    """An adjudication, as far as it reaches."""

    moment: tuple[float, str]
    episodes: frozenset[str]
    """Those of which every entry speaks that it decided between: of the others nobody was asked."""
    simulated: bool
    """Whether a program settled it."""


@dataclass(frozen=True, slots=True)
class Voice:
    """An entry that stands."""

    run: str
    entry: Entry
    annotator: str
    """Of a critic model's draft: the person who accepted it."""
    simulated: bool
    moment: tuple[float, str]
    """Of two the later one is told by it; of a draft it is when it was accepted."""
    settles: tuple[Settles, ...] = ()
    """The adjudications that hold by it, the last one last, programs' first."""

    @property
    def origin(self) -> Literal["person", "rule", "simulated"]:
        if self.simulated:
            return "simulated"
        return "rule" if self.entry.by_rule else "person"

    @property
    def item(self) -> ItemRef | None:
        found: ItemRef | None = getattr(self.entry, "item", None)
        return found

    @property
    def by(self) -> str:
        """The item that it judges by, whatever its version; "" for the whole."""
        return f"{self.item.guideline}/{self.item.item}" if self.item else ""

    def on(self, *episodes: str) -> Voice:
        """As far as it speaks of these episodes: without the adjudications that decided nothing about them all."""
        return replace(self, settles=tuple(each for each in self.settles if each.episodes.issuperset(episodes)))

    @property
    def source(self) -> Source:
        by_rule = self.origin == "rule"
        return Source(
            run=self.run, entry=self.entry.id, origin=self.origin, item=str(self.item or ""),
            annotator=f"{RULE}{self.entry.origin.removeprefix(BY_RULE)}" if by_rule else self.annotator,
            digest=self.item.digest if self.item else "", at=self.entry.at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunHeard:
    """One run's feedback."""

    name: str
    """Its folder's; the second of that name is NAME-2."""
    folder: Path
    logged: Logged
    sha256: str
    """Of the feedback's bytes."""


@dataclass
class Heard:
    """All that was said, with what is needed to make rows of it."""

    runs: tuple[RunHeard, ...]
    voices: tuple[Voice, ...]
    """In the order in which they spoke, whatever that of the lines."""
    find: Callable[[str], Episode | None]
    guidelines: Mapping[str, Guideline]
    """By which it is judged what is stale, and what an item weighs."""
    resolved: frozenset[tuple[str, str]]
    """Run and id of comments that were attended to while the episode ran."""
    left_out: list[LeftOut] = field(default_factory=list)

    def said(self, kind: type[E]) -> Iterator[tuple[Voice, E]]:
        """The voices whose entries are of a kind, each with its entry."""
        return ((voice, voice.entry) for voice in self.voices if isinstance(voice.entry, kind))

    def drop(self, voices: Iterable[Voice], reason: str, why: str = "") -> None:
        """Note that entries, or this part of them, are in no row."""
        self.left_out += [_left(voice.run, voice.entry, reason, why) for voice in voices]

    def episode(self, id_: str) -> Episode:
        """An episode of which something stands, so that it is there."""
        found = self.find(id_)
        assert found is not None, "what stands is of an episode that is there"
        return found

    def step(self, episode: str, number: int) -> Step | None:
        """A step of an episode, from 1."""
        found = self.find(episode)
        return found.steps[number - 1] if found and number <= len(found.steps) else None

    def weight(self, item: ItemRef | None) -> float:
        """How much an item counts beside others; 1 for a judgement of the whole, and of an item that nobody knows."""
        guideline = self.guidelines.get(item.guideline) if item else None
        found = guideline.item(item.item) if guideline and item else None
        return found.weight if found else 1.0


class Episodes:
    """The episodes of some runs by their whole ids.

    Args:
        progress: told of each that is read, of those that something is said of.
    """

    def __init__(self, folders: Sequence[Path], progress: Progress = silent) -> None:
        self._progress = progress
        logs = (FeedbackLog(folder).read() for folder in folders) if progress is not silent else ()
        self._spoken_of = {id_ for log in logs for entry in log.entries for id_ in episodes_of(entry)}
        self._find_in = [finder(EpisodeStore(folder)) for folder in folders]
        self._known: dict[str, Episode | None] = {}
        self._in: dict[str, int] = {}

    def find(self, id_: str) -> Episode | None:
        """The episode, if one of the runs holds it and it can be read."""
        if id_ not in self._known:
            self._known[id_] = self._read(id_)
            if id_ in self._spoken_of:
                self._progress(len(self._spoken_of & self._known.keys()), len(self._spoken_of))
        return self._known[id_]

    def run_of(self, id_: str) -> int:
        """Which of the runs holds an episode that was found."""
        return self._in[id_]

    def _read(self, id_: str) -> Episode | None:
        for number, find in enumerate(self._find_in):
            if (found := find(id_)) is not None:
                self._in[id_] = number
                return found
        return None


def hear(
    runs: Sequence[Path], episodes: Episodes, guidelines: Sequence[Guideline] = (), *, simulated: bool = False
) -> Heard:
    """Read what was said in some runs.

    Args:
        guidelines: as they are now; of those that are not given, the newest version that somebody has read.
        simulated: take what programs said in the place of people, too.
    """
    heard = tuple(_read(name, folder) for name, folder in _named(runs))
    every = Logged(tuple(entry for run in heard for entry in run.logged.entries), ())
    now = every.guidelines() | {each.name: each for each in guidelines}
    voices: list[Voice] = []
    left_out: list[LeftOut] = []
    resolved: set[tuple[str, str]] = set()
    for run in heard:
        left_out += [
            LeftOut(run=run.name, entry=f"line {bad.number}", kind="", reason="cannot be read", why=bad.why)
            for bad in run.logged.unreadable
        ]
        judged = standing(_by_their_right(run.logged), episodes.find, now)
        live = [each.entry for each in judged if each.stands]
        holds = _held(live, by_id(run.logged.entries))
        whose = {entry.id: by for by, entry in spoken(live)}
        resolved |= {(run.name, id_) for id_, is_resolved in ends(live, simulated=simulated).items() if is_resolved}
        for each in judged:
            entry = each.entry
            by = whose.get(entry.id, entry)
            if isinstance(entry, ABOUT_ENTRIES):
                continue
            if not each.stands:
                left_out.append(_left(run.name, entry, ", ".join(each.marks), each.why))
            elif by.simulated and not simulated:
                left_out.append(_left(run.name, entry, SIMULATED, "--simulated takes it"))
            else:
                settles = holds.get(entry.id, ())
                voices.append(Voice(run.name, entry, by.annotator, by.simulated, moment(by), settles))
    voices.sort(key=lambda voice: voice.moment)
    return Heard(heard, tuple(voices), episodes.find, now, frozenset(resolved), left_out)


def _held(live: Iterable[Entry], known: Mapping[str, Entry]) -> dict[str, tuple[Settles, ...]]:
    """By id: what adjudications hold by, and which."""
    found: dict[str, tuple[Settles, ...]] = {}
    for each in sorted((entry for entry in live if isinstance(entry, Adjudication)), key=precedence):
        if each.holds is not None:
            common = frozenset[str].intersection(*(frozenset(episodes_of(known[id_])) for id_ in each.of))
            found[each.holds] = (*found.get(each.holds, ()), Settles(moment(each), common, each.simulated))
    return found


def _by_their_right(logged: Logged) -> Logged:
    """Without what programs adjudicated of people's words."""
    persons = {entry.id for entry in logged.entries if not entry.simulated}
    kept = [
        entry for entry in logged.entries
        if not (isinstance(entry, Adjudication) and entry.simulated and persons.intersection(entry.of))
    ]  # fmt: skip
    return Logged(tuple(kept), logged.unreadable)


def _left(run: str, entry: Entry, reason: str, why: str) -> LeftOut:
    return LeftOut(run=run, entry=entry.id, kind=entry.kind, reason=reason, why=why)


def _named(runs: Sequence[Path]) -> list[tuple[str, Path]]:
    """Each run with a name of its own."""
    named: dict[str, Path] = {}
    for folder in runs:
        name = folder.resolve().name
        others = (f"{name}-{number}" for number in count(2))
        named[name if name not in named else next(each for each in others if each not in named)] = folder
    return list(named.items())


def _read(name: str, folder: Path) -> RunHeard:
    data = FeedbackLog(folder).data()
    return RunHeard(name, folder, parse(data), hashlib.sha256(data).hexdigest())
