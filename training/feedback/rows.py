"""What compiling writes: rows that training reads, each of which names its sources. One line of JSON each.

A row's id is made of what it is about, so the same judgement has the same id whenever it is compiled again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from journeyman.envs.actions import MALFORMED
from journeyman.envs.episode import Episode


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Data):
    """One entry of a run's feedback, by which a row holds."""

    run: str
    """As the manifest names it."""
    entry: str
    annotator: str
    """Of a critic model's draft: the person who accepted it. Of a rule: its name with its version."""
    origin: Literal["person", "rule", "simulated"]
    item: str = ""
    """Of the guideline that was judged by, with its version: `conduct@2/scope`."""
    digest: str = ""
    """What that item meant then."""
    at: str
    """When it was said."""


class Row(_Data):
    id: str
    task: str
    said: str
    """What follows from the sources, in words."""
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]

    @property
    def simulated(self) -> bool:
        """Whether any part of it was said by a program in the place of a person."""
        return any(source.origin == "simulated" for source in self.sources)

    @property
    def origin(self) -> Literal["person", "rule", "simulated"]:
        """Who decided it; of several kinds the one that is least like a person."""
        origins = {source.origin for source in self.sources}
        return "simulated" if "simulated" in origins else "rule" if "rule" in origins else "person"

    @property
    def digest(self) -> str:
        """Names what it says and who says it, whatever the runs are called: the id names only what it is about."""
        return _digest(self.model_dump(mode="json", exclude={"sources": {"__all__": {"run"}}}))


class Side(_Data):
    """An episode as it is compared."""

    episode: str
    steps: int | None = None
    """With so many of its first steps, and `action` after them; None for all of it as it was."""
    action: Mapping[str, Any] | None = None


class PairOf(Row):
    """One episode is better than another."""

    chosen: Side
    rejected: Side
    margin: float
    """In (0, 1]: how far apart, as a share of the most that four episodes can be."""


class LabelOf(Row):
    """An episode is desirable, or it is not."""

    episode: str
    desirable: bool


class StepOf(Row):
    """What a step was worth."""

    episode: str
    step: int
    """From 1."""
    value: Annotated[float, Field(ge=-1, le=1)]
    same: str
    """Names all that was done up to there (`deeds`): whoever does the same is judged the same."""


class ScoreOf(Row):
    """How good an episode is as a whole."""

    episode: str
    value: Annotated[float, Field(ge=0, le=1)]
    parts: Mapping[str, float]
    """The same by item; "" for the whole."""
    same: str
    """Names all that was done (`deeds`)."""


class CorrectedOf(Row):
    """What should have been done at a step."""

    episode: str
    step: int
    """From 1: what came before it is read, and not learned."""
    action: Mapping[str, Any]


class ClaimOf(Row):
    """Whether a claim of a report is true."""

    episode: str
    claim: int
    """From 0."""
    claimed: str
    """The claim's kind and subject."""
    label: Literal["true", "false", "unverifiable"]
    limitation: str = ""
    """How it really is."""


class LeftOut(_Data):
    """An entry that is in no row, and why."""

    run: str
    entry: str
    """Its id; of a line that is no entry, "line 12"."""
    kind: str
    reason: str
    """One of a few."""
    why: str = ""
    """In particular."""


FILES: Mapping[str, type[_Data]] = {
    "pairs.jsonl": PairOf, "labels.jsonl": LabelOf, "steps.jsonl": StepOf, "scores.jsonl": ScoreOf,
    "corrected.jsonl": CorrectedOf, "claims.jsonl": ClaimOf, "left_out.jsonl": LeftOut,
}  # fmt: skip


def row_id(kind: str, *about: object) -> str:
    """The id of a row about this."""
    return f"{kind}-{_digest(list(about))}"


def deeds(episode: Episode, steps: int | None = None) -> str:
    """Names a task, its version, and the first so many actions of an episode (all by default)."""
    actions = [step.action for step in episode.steps[:steps]]
    done = [[a.tool, a.text if a.tool == MALFORMED else dict(a.arguments)] for a in actions]
    return _digest([episode.task, episode.versions.get("task", ""), done])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
