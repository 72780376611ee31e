"""Entries about entries: what was taken back, which drafts a person has accepted, what adjudications settle.

It depends on what was said and not on the order of the lines: several processes write, and logs are joined. "Later" is
by the time that an entry tells, then by its id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from journeyman.envs.feedback.entry import (
    Adjudication,
    Answer,
    Critique,
    Entry,
    OfEpisode,
    Ranking,
    Resolution,
    Undo,
    refers_to,
)
from journeyman.envs.feedback.marks import Mark

Why = tuple[Mark, str]
CRITIC = "critic:"
"""How the origin of what a critic model says begins."""
E = TypeVar("E", Answer, Adjudication)
K = TypeVar("K", str, frozenset[str])


def moment(entry: Entry) -> tuple[float, str]:
    """By which of two entries the later one is told; one whose time cannot be read comes before all others."""
    try:
        at = datetime.fromisoformat(entry.at)
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        seconds = float("-inf")
    return seconds, entry.id


def precedence(entry: Entry) -> tuple[bool, tuple[float, str]]:
    """By which of several words about one entry the one that counts is told, which is the greatest: the later one, but
    no program's where a person has spoken."""
    return not entry.simulated, moment(entry)


def who(entry: Entry) -> tuple[str, bool]:
    """The annotator; a simulated one is never the person of the same name."""
    return entry.annotator, entry.simulated


def spoken(entries: Sequence[Entry]) -> list[tuple[Entry, Entry]]:
    """Entries that stand, the earlier first, each behind the one that tells who says it and when: behind itself, or a
    draft behind the answer by which somebody made it their own."""
    accepted = {entry.of: entry for entry in entries if isinstance(entry, Answer) and entry.decision == "accepted"}
    said = [(accepted.get(entry.id, entry) if entry.draft else entry, entry) for entry in entries]
    return sorted(said, key=lambda each: moment(each[0]))


def is_judgement(entry: Entry) -> bool:
    """Whether it says something of episodes, and not of entries."""
    return isinstance(entry, OfEpisode | Ranking)


@dataclass(frozen=True)
class References:
    """What entries say of each other."""

    wrong: Mapping[str, Why]
    """By id: those that speak of what is not there, or not of its kind. They count for nothing."""
    undone: frozenset[str]
    answers: Mapping[str, Answer]
    """By draft: the last answer, a person's if there is one."""
    adjudications: tuple[Adjudication, ...]
    """Of the same entries the last one, a person's if there is one: for `settled`, where what it holds by counts."""
    superseded: Mapping[str, Entry]
    """Answers and adjudications by id, each with the one of the same thing that counts."""


def references(known: Mapping[str, Entry], ambiguous: frozenset[str]) -> References:
    """Work it out.

    Args:
        known: every entry whose id is its own, by id.
        ambiguous: ids that several entries have.
    """
    wrong = {entry.id: why for entry in known.values() if (why := _wrong(entry, known, ambiguous)) is not None}
    sound = [entry for id_, entry in known.items() if id_ not in wrong]
    undone, circles = _undone([entry for entry in sound if isinstance(entry, Undo) and not entry.draft])
    wrong |= dict.fromkeys(circles, (Mark.UNKNOWN, "it takes back itself, by way of others"))
    live = [entry for entry in sound if entry.id not in undone and not entry.draft]
    answers, old_answers = _last((entry, entry.of) for entry in live if isinstance(entry, Answer))
    settling, old_settling = _last((entry, frozenset(entry.of)) for entry in live if isinstance(entry, Adjudication))
    return References(wrong, undone, answers, tuple(settling.values()), {**old_answers, **old_settling})


def _wrong(entry: Entry, known: Mapping[str, Entry], ambiguous: frozenset[str]) -> Why | None:
    for id_ in refers_to(entry):
        if id_ in ambiguous:
            return Mark.AMBIGUOUS, f"several entries are called {id_}"
        if id_ not in known:
            return Mark.UNKNOWN, f"no entry {id_}"
    match entry:
        case Undo() if who(known[entry.of]) != who(entry):
            return Mark.FOREIGN, f"{entry.of} was said by {known[entry.of].annotator}"
        case Answer() if not known[entry.of].draft or not is_judgement(known[entry.of]):
            return Mark.UNKNOWN, f"{entry.of} is no draft of a judgement"
        case Answer() if entry.origin.startswith(CRITIC):
            return Mark.MALFORMED, "a critic model answers no drafts"
        case Answer(by=str() as by) if who(known[by]) != who(entry):
            return Mark.FOREIGN, f"{by} was said by {known[by].annotator}"
        case Adjudication() if other := [of for of in entry.of if not is_judgement(known[of])]:
            return Mark.UNKNOWN, f"{other[0]} says nothing of an episode"
        case Resolution() if not isinstance(known[entry.of], Critique):
            return Mark.UNKNOWN, f"{entry.of} is no comment"
    return None


def _undone(undos: Sequence[Undo]) -> tuple[frozenset[str], frozenset[str]]:
    """What is taken back; and undos that take each other back in a circle, which take back nothing.

    An undo counts when every undo of it is itself taken back; it is worked out from those that nobody takes back.
    """
    by_id = {undo.id: undo for undo in undos}
    open_: dict[str, int] = defaultdict(int)
    for undo in undos:
        open_[undo.of] += 1
    undone = set[str]()
    ready = [undo.id for undo in undos if not open_[undo.id]]
    decided = set[str]()
    while ready:
        id_ = ready.pop()
        if id_ in decided:
            continue
        decided.add(id_)
        of = by_id[id_].of
        open_[of] -= 1
        if id_ not in undone:
            undone.add(of)
        if of in by_id and (of in undone or not open_[of]):
            ready.append(of)
    return frozenset(undone), frozenset(by_id.keys() - decided)


def settled(adjudications: Iterable[Adjudication]) -> dict[str, Adjudication]:
    """What does not hold, and by which adjudication. Of each entry the last one decides that speaks of it: two that
    overlap would otherwise reject each other's, and leave nothing."""
    found: dict[str, Adjudication] = {}
    for entry in sorted(adjudications, key=precedence):
        found |= dict.fromkeys(entry.of, entry)
        if entry.holds is not None:
            del found[entry.holds]
    return found


def _last(entries: Iterable[tuple[E, K]]) -> tuple[dict[K, E], dict[str, Entry]]:
    """The entry about each thing that counts; and the others by id, each with that one."""
    groups: dict[K, list[E]] = defaultdict(list)
    for entry, about in entries:
        groups[about].append(entry)
    last = {about: max(group, key=precedence) for about, group in groups.items()}
    older: dict[str, Entry] = {
        entry.id: last[about] for about, group in groups.items() for entry in group if entry is not last[about]
    }
    return last, older
