"""Which entries stand: not undone, of an episode and a place that are there, judged by what a guideline still means.

Nothing that was said is dropped. What cannot be used says why, in its `marks`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Adjudication, Answer, Entry, Place, Undo, episodes_of
from journeyman.envs.feedback.log import Logged, by_id
from journeyman.envs.guidelines.guideline import Guideline, ItemRef
from journeyman.envs.store import EpisodeStore, StoreError

FindEpisode = Callable[[str], Episode | None]
"""The episode with an id, where it is there."""


class Mark(StrEnum):
    """Why an entry is not used."""

    UNDONE = "undone"
    DRAFT = "draft"
    """A critic model's, that no person has accepted (an accepted one stands)."""
    REJECTED = "rejected"
    """A draft that a person rejected, or has put into words of their own."""
    SETTLED = "settled"
    """An adjudication holds by another entry."""
    DUPLICATE = "duplicate"
    """The same annotator has judged the same thing again later."""
    STALE = "stale"
    """Said under an older meaning of its guideline's item, or of an item that is gone."""
    MOVED = "moved"
    """The line is not where it was said to be; `Judged.place` says where it is, if it was found."""
    UNKNOWN = "unknown"
    """Of an episode, a step, a claim or an entry that is not there."""
    AMBIGUOUS = "ambiguous"
    """Another entry has its id."""


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
    known = by_id(logged.entries)
    undone = {
        entry.of for entry in logged.entries
        if isinstance(entry, Undo) and entry.of in known and known[entry.of].annotator == entry.annotator
    }  # fmt: skip
    live = [entry for entry in logged.entries if entry.id not in undone]
    answers = {entry.of: entry.decision for entry in live if isinstance(entry, Answer)}
    settled = {
        of for entry in live if isinstance(entry, Adjudication) for of in entry.of if of != entry.holds
    }  # fmt: skip

    def marks(entry: Entry) -> list[tuple[Mark, str]]:
        found = []
        if entry.id in undone:
            found.append((Mark.UNDONE, f"taken back by {entry.annotator}"))
        if entry.draft and answers.get(entry.id) != "accepted":
            answered = entry.id in answers
            found.append((Mark.REJECTED, answers[entry.id]) if answered else (Mark.DRAFT, "nobody has accepted it"))
        if entry.id in settled:
            found.append((Mark.SETTLED, "an adjudication says otherwise"))
        if missing := [id_ for id_ in episodes_of(entry) if episode(id_) is None]:
            found.append((Mark.UNKNOWN, f"no episode {missing[0]}"))
        if (stale := _stale(getattr(entry, "item", None), guidelines)) is not None:
            found.append((Mark.STALE, stale))
        return found

    judged = []
    for entry in logged.entries:
        found = marks(entry)
        judged.append(Judged(entry, tuple(mark for mark, _ in found), "; ".join(why for _, why in found)))
    return tuple(judged)


def _stale(ref: ItemRef | None, guidelines: Mapping[str, Guideline]) -> str | None:
    """Why what was judged by an item does not hold any more."""
    if ref is None or (now := guidelines.get(ref.guideline)) is None:
        return None
    item = now.item(ref.item)
    if item is None:
        return f"{ref} is gone in version {now.version}"
    return None if item.digest == ref.digest else f"{ref} meant something else than in version {now.version}"


def finder(store: EpisodeStore) -> FindEpisode:
    """Looks episodes up in a run by their whole id; one that is damaged is not there."""

    def find(id_: str) -> Episode | None:
        try:
            found = store.get(id_)
        except StoreError:
            return None
        return found if found.id == id_ else None

    return find
