"""What somebody can say of an episode: one `Entry` is one line of a run's feedback.

Entries are never changed. What was said in error is undone by another entry, what annotators say differently is
settled by another one, and which of them stand is worked out on reading (envs/feedback/standing.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from journeyman.envs.guidelines.guideline import Guideline, ItemRef

MAX_TEXT = 20_000
"""Characters of one text of a person."""

Text = Annotated[str, Field(max_length=MAX_TEXT)]
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Number = Annotated[int, Field(ge=1)]
Annotator = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w.@+-]+$")]
"""Whoever says it: a name or an address."""
SIMULATED = "sim."
"""How the name of a program that stands in for a person begins. Nobody else is called so: see `Said`."""
RULE = "rule."
"""How the name of a rule begins, which tells what the record of an episode decides. Nobody else is called so."""
BY_RULE = "rule:"
"""How the origin of what a rule says begins; its name and version follow: "rule:record@1"."""
IMPORT = "import:"
"""How the origin of what was said elsewhere begins; the format follows."""
OF_RULES = ("claim", "correction", "undo")
"""Kinds of entries that a rule can make: what is better is for people to say."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(_Data):
    """Where in an episode something is said: of a step, of lines of a file as they were after it, of a subtask. All
    left out: of the whole."""

    step: Number | None = None
    """From 1."""
    path: Annotated[str, Field(max_length=1000)] = ""
    side: Literal["new", "old"] = "new"
    """Whether `line` counts in the file after the step's change, or before it."""
    line: Number | None = None
    """Of `path`, from 1."""
    end: Number | None = None
    """The last line, where there are several."""
    quote: Text = ""
    """What stood on those lines, so that a place which has moved is known again."""
    subtask: Annotated[str, Field(max_length=200)] = ""
    """Title of a part of the plan."""

    @model_validator(mode="after")
    def _lines_are_of_a_file(self) -> Self:
        if self.line is not None and not self.path:
            raise ValueError("a line is one of a file: give `path`")
        if self.end is not None and (self.line is None or self.end < self.line):
            raise ValueError("`end` goes with `line` and must not be smaller")
        return self


class Said(_Data):
    """What every entry holds."""

    id: Id
    """Unique in its run (`journeyman.envs.recorder.new_episode_id` makes one)."""
    annotator: Annotator
    at: Annotated[str, Field(max_length=40)]
    """When it was said: UTC, ISO 8601."""
    origin: Annotated[str, Field(max_length=100)] = "page"
    """How it came: "page", "terminal", "import:FORMAT", "critic:MODEL", "rule:NAME@VERSION", "episode" (said while it
    ran)."""
    simulated: bool = False
    """Said by a program in the place of a person, for tests and studies."""
    draft: bool = False
    """Proposed by a critic model: counts for nothing until a person has accepted it (`Answer`)."""

    @model_validator(mode="after")
    def _a_simulated_name_is_marked(self) -> Self:
        if self.annotator.startswith(SIMULATED) and not self.simulated:
            raise ValueError(f"{SIMULATED}… names a simulated annotator: such an entry has `simulated` set")
        return self

    @property
    def by_rule(self) -> bool:
        """Whether a rule says it, from the record alone."""
        return self.origin.startswith(BY_RULE)

    @model_validator(mode="after")
    def _a_rule_is_marked_and_keeps_to_the_record(self) -> Self:
        if self.annotator.startswith(RULE) != self.by_rule:
            raise ValueError(
                f"{RULE}… names a rule: such an entry, and no other, has an `origin` {BY_RULE}NAME@VERSION"
            )
        if self.by_rule and (self.simulated or self.draft or getattr(self, "kind", "") not in OF_RULES):
            raise ValueError(
                "a rule says what the record decides: of claims, and of an action that should stand instead"
            )
        return self


class OfEpisode(Said):
    episode: Id
    item: ItemRef | None = None
    """The item of a guideline that it judges by."""


class Critique(OfEpisode):
    """A comment, as in a code review."""

    kind: Literal["critique"] = "critique"
    place: Place = Place()
    body: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    severity: Literal["praise", "note", "minor", "major", "blocking"] = "minor"
    category: Literal["correctness", "tests", "scope", "readability", "honesty", "process", "other"] = "other"
    suggestion: Text | None = None
    """What should stand on the lines of `place` instead."""


class StepLabel(OfEpisode):
    """A step was good, neutral or bad."""

    kind: Literal["step"] = "step"
    step: Number
    label: Literal["good", "neutral", "bad"]


class ClaimLabel(OfEpisode):
    """A claim of the report is true or false, or cannot be told."""

    kind: Literal["claim"] = "claim"
    claim: Annotated[int, Field(ge=0)]
    """Its place among the report's claims, from 0."""
    label: Literal["true", "false", "unverifiable"]
    limitation: Text = ""
    """Of what is not true: how it really is."""


class Score(OfEpisode):
    """How well an episode keeps to an item, or how good it is as a whole, in [0, 1]."""

    kind: Literal["score"] = "score"
    value: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    reason: Text = ""


class Ranking(Said):
    """Two to four episodes of one task, the best first."""

    kind: Literal["ranking"] = "ranking"
    episodes: Annotated[tuple[Id, ...], Field(min_length=2, max_length=4)]
    ranks: tuple[Number, ...]
    """For each episode its rank, 1 the best; equal ones are as good as each other."""
    item: ItemRef | None = None
    reason: Text = ""

    @model_validator(mode="after")
    def _each_has_a_rank(self) -> Self:
        if len(self.ranks) != len(self.episodes):
            raise ValueError("`ranks` holds one number for each of `episodes`")
        if len(set(self.episodes)) != len(self.episodes):
            raise ValueError("an episode is ranked once")
        return self


class Correction(OfEpisode):
    """The action that should have been taken at a step; a better plan is a `plan` action."""

    kind: Literal["correction"] = "correction"
    step: Number
    action: Mapping[str, Any]
    """`{"tool": …, argument: …}`, as `RepoEnv.step` reads it."""
    reason: Text = ""


class Undo(Said):
    """Takes back what the same annotator said."""

    kind: Literal["undo"] = "undo"
    of: Id


class Adjudication(Said):
    """Settles what annotators say differently: one of the entries holds, or none does."""

    kind: Literal["adjudication"] = "adjudication"
    of: Annotated[tuple[Id, ...], Field(min_length=2, max_length=20)]
    holds: Id | None = None
    reason: Text = ""

    @model_validator(mode="after")
    def _one_of_them_holds(self) -> Self:
        if self.holds is not None and self.holds not in self.of:
            raise ValueError("`holds` is one of `of`, or is left out")
        return self


class Answer(Said):
    """What a person makes of a critic model's draft."""

    kind: Literal["answer"] = "answer"
    of: Id
    """The draft."""
    decision: Literal["accepted", "edited", "rejected"]
    by: Id | None = None
    """The person's own entry, where it was edited."""

    @model_validator(mode="after")
    def _an_edit_is_there(self) -> Self:
        if (self.decision == "edited") != (self.by is not None):
            raise ValueError("`by` names the person's own entry where the draft was edited, and only there")
        return self


class Resolution(Said):
    """What became of a comment that was made while the episode ran."""

    kind: Literal["resolution"] = "resolution"
    of: Id
    """The critique."""
    resolved: bool
    step: Number | None = None
    """After which step of the episode."""
    how: Text = ""


class GuidelineRead(Said):
    """The guideline that was read: kept beside what was judged by it, so that it can always be told what was meant."""

    kind: Literal["guideline"] = "guideline"
    guideline: Guideline


Entry = (
    Critique | StepLabel | ClaimLabel | Score | Ranking | Correction | Undo | Adjudication | Answer | Resolution
    | GuidelineRead
)  # fmt: skip

ENTRY: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")])
"""Reads and writes entries as JSON."""

KINDS: tuple[str, ...] = tuple(kind.model_fields["kind"].default for kind in get_args(Entry))
"""What `kind` can be."""


def episodes_of(entry: Entry) -> tuple[str, ...]:
    """The ids of the episodes that an entry itself speaks of; none for one about other entries."""
    match entry:
        case OfEpisode():
            return (entry.episode,)
        case Ranking():
            return entry.episodes
    return ()


def refers_to(entry: Entry) -> tuple[str, ...]:
    """The ids of the other entries that an entry speaks of."""
    match entry:
        case Undo() | Resolution():
            return (entry.of,)
        case Adjudication():
            return entry.of
        case Answer():
            return (entry.of,) if entry.by is None else (entry.of, entry.by)
    return ()


def summary(entry: Entry) -> str:
    """What an entry says, in a few words and whatever somebody wrote."""
    match entry:
        case Critique():
            about = f" ({entry.category})" if entry.category != "other" else ""
            return f"{entry.severity}{about}{_at(entry.place)}: {entry.body}"
        case StepLabel():
            return f"step {entry.step} is {entry.label}"
        case ClaimLabel():
            return f"claim {entry.claim} is {entry.label}" + (f": {entry.limitation}" if entry.limitation else "")
        case Score():
            of = f" by {entry.item}" if entry.item else ""
            return f"{entry.value:g}{of}" + (f": {entry.reason}" if entry.reason else "")
        case Ranking():
            best = ", ".join(f"{rank}. {id_}" for rank, id_ in sorted(zip(entry.ranks, entry.episodes, strict=True)))
            return f"best first: {best}" + (f" ({entry.reason})" if entry.reason else "")
        case Correction():
            action = json.dumps(dict(entry.action), ensure_ascii=False)[:200]
            return f"step {entry.step} should have been {action}" + (entry.reason and f": {entry.reason}")
        case Undo():
            return f"takes back {entry.of}"
        case Adjudication():
            return f"{entry.holds or 'none'} of {', '.join(entry.of)} holds"
        case Answer():
            return f"{entry.decision} {entry.of}" + (f" as {entry.by}" if entry.by else "")
        case Resolution():
            return f"{entry.of} is {'' if entry.resolved else 'not '}resolved"
        case GuidelineRead():
            return f"read {entry.guideline.name}@{entry.guideline.version}"


def _at(place: Place) -> str:
    step = f" at step {place.step}" if place.step else ""
    file = f" {place.path}" + (f":{place.line}" if place.line else "") if place.path else ""
    return step + file + (f" of {place.subtask}" if place.subtask else "")
