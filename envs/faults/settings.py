"""Which faults may strike an episode, and how often: a part of its settings, and so of its record."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

LOST_EDIT = "lost-edit"
"""The one that answers as done what was not."""
TRAINING_KINDS = ("tool-fails", "interrupted", LOST_EDIT, "garbled", "stale-plan")
"""Faults that policies may be trained under."""
HELD_OUT_KINDS = ("shifted-lines", "wrong-file", "misleading-test", "times-out")
"""Faults that are kept for measuring. Each asks for something else than those of training, not only in other words."""
ALL_KINDS = (*TRAINING_KINDS, *HELD_OUT_KINDS)


class Faults(BaseModel):
    """At most one fault strikes an episode. Which one and at which call is drawn from the reset's seed and the task."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: Annotated[tuple[str, ...], Field(min_length=1)] = TRAINING_KINDS
    """One of them is drawn, each as likely as the others."""
    rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the episodes for which one is drawn. One that finds no occasion does not strike."""
    seeds_alike: Annotated[int, Field(ge=1)] = 1
    """So many neighbouring seeds (those with the same quotient by it) draw the same. Where the episodes of a group are
    compared with each other, one must not be worse for a fault that the others were spared."""

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        """Each once, in the order of `ALL_KINDS`: the same faults are the same settings."""
        if unknown := [kind for kind in kinds if kind not in ALL_KINDS]:
            raise ValueError(f"no fault {unknown[0]!r}; there are: {', '.join(ALL_KINDS)}")
        return tuple(kind for kind in ALL_KINDS if kind in kinds)


def faults_named(names: str, rate: float = 1.0) -> Faults:
    """The faults that a text names: "training", "held-out", "all", or kinds with commas between them.

    Raises:
        ValueError: there is no such kind, or the rate is out of (0, 1].
    """
    groups = {"training": TRAINING_KINDS, "held-out": HELD_OUT_KINDS, "all": ALL_KINDS}
    words = [word.strip() for word in names.split(",") if word.strip()]
    if unknown := [word for word in words if word not in groups and word not in ALL_KINDS]:
        known = ", ".join((*groups, *ALL_KINDS))
        raise ValueError(f"no fault {unknown[0]!r}; there are: {known}")
    if not words:
        raise ValueError(f"no fault is named; there are: {', '.join((*groups, *ALL_KINDS))}")
    if not 0 < rate <= 1:
        raise ValueError(f"a rate of {rate:g}: it is a share of the episodes, more than 0 and at most 1")
    return Faults(kinds=tuple(kind for word in words for kind in groups.get(word, (word,))), rate=rate)
