"""Why an entry is not used."""

from __future__ import annotations

from enum import StrEnum


class Mark(StrEnum):
    """Why an entry is not used."""

    UNDONE = "undone"
    """Taken back by who said it; of a resolution, its comment was."""
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
    """Another entry has its id, or that of an entry of which it speaks; or what was imported tells no order of two that
    contradict each other."""
    FOREIGN = "foreign"
    """Takes back, or gives as one's own, what somebody else said."""
    MALFORMED = "malformed"
    """Well written and without meaning: an action that no tool reads, a ranking across tasks, a critic's own answer."""
