"""Two versions of a guideline side by side: what was judged by an item whose meaning changed is stale."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from journeyman.envs.guidelines.guideline import Guideline, GuidelineError, Item


class Became(StrEnum):
    """What became of an item."""

    ADDED = "added"
    REMOVED = "removed"
    """What was judged by it is stale."""
    REWORDED = "reworded"
    """Its kind, text or check is another, so that it means something else: what was judged by it is stale."""
    REWEIGHTED = "reweighted"
    """It means the same and counts otherwise."""
    ILLUSTRATED = "illustrated"
    """It has other examples, and means the same."""


STALE = frozenset({Became.REMOVED, Became.REWORDED})


@dataclass(frozen=True, slots=True)
class ItemChange:
    became: Became
    old: Item | None
    new: Item | None

    @property
    def id(self) -> str:
        return (self.new or self.old).id  # type: ignore[union-attr]  # one of them is there

    @property
    def stale(self) -> bool:
        return self.became in STALE


@dataclass(frozen=True, slots=True)
class Comparison:
    """From one version to another."""

    old: Guideline
    new: Guideline
    changes: tuple[ItemChange, ...]

    @property
    def error(self) -> str:
        """Why the new one cannot follow the old one; empty where it can."""
        old, new = self.old.version, self.new.version
        if new < old:
            return f"version {new} follows version {old}: versions only rise"
        # An item more, or one less, is another guideline too: whoever reads "@1" must know which items it had.
        if new == old and (changed := [c.id for c in self.changes if c.became is not Became.ILLUSTRATED]):
            return f"version {new} is another than it was ({', '.join(changed)}): raise the version to {new + 1}"
        return ""


def compare(old: Guideline, new: Guideline) -> Comparison:
    """What became of each item, those of the new one in its order, then those that are gone.

    Raises:
        GuidelineError: they are two guidelines, not two versions of one.
    """
    if old.name != new.name:
        raise GuidelineError(f"{old.name!r} and {new.name!r} are two guidelines, not two versions of one")
    found = [change for item in new.items if (change := _change(old.item(item.id), item)) is not None]
    found += [ItemChange(Became.REMOVED, item, None) for item in old.items if new.item(item.id) is None]
    return Comparison(old, new, tuple(found))


def _change(old: Item | None, new: Item) -> ItemChange | None:
    if old is None:
        return ItemChange(Became.ADDED, None, new)
    if old.digest != new.digest:
        return ItemChange(Became.REWORDED, old, new)
    if old.weight != new.weight:
        return ItemChange(Became.REWEIGHTED, old, new)
    return ItemChange(Became.ILLUSTRATED, old, new) if old != new else None
