"""What the readers of other tools' feedback share.

An entry's id is derived from what was read, so importing twice adds nothing. What has no place here is told with where
it stands; nothing is dropped in silence.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from journeyman.envs.feedback.entry import ENTRY, IMPORT, MAX_TEXT, Entry
from journeyman.envs.feedback.log import why_not

Mapped = Mapping[str, Sequence[str]]
"""From what an export calls something to the ids of episodes: one, or for a comparison several."""
EPOCH = "1970-01-01T00:00:00+00:00"
"""The time of what tells none: it must be the same when it is read again."""
LABELS = {
    "good": 1.0, "positive": 1.0, "thumbs_up": 1.0, "neutral": 0.5, "bad": 0.0, "negative": 0.0, "thumbs_down": 0.0,
}  # fmt: skip
"""What a label says of a whole episode, as a score."""
STEP_LABELS = {1.0: "good", 0.5: "neutral", 0.0: "bad"}
CLAIM_LABELS = ("true", "false", "unverifiable")


class ImportFeedbackError(ValueError):
    """A file is not of the format that was named; nothing of it can be read."""


@dataclass(slots=True)
class Found:
    """What was read of a file."""

    entries: list[Entry] = field(default_factory=list)
    unmapped: list[tuple[str, str]] = field(default_factory=list)
    """(where, why) of all that has no place here."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read."""

    source: str
    """The format's name."""
    episode: str = ""
    """Of which all that names none is said."""
    mapped: Mapped = field(default_factory=dict)
    annotator: str = ""
    """Who said what names nobody."""
    stars: int = 5
    """The best rating."""
    found: Found = field(default_factory=Found)
    judged: dict[tuple[str, ...], tuple[str, dict[str, Any]]] = field(default_factory=dict, repr=False)
    """In the record that is read: what was judged, with where and how."""

    def begin(self) -> None:
        """A record begins, in which somebody judges a thing once. Of two of its questions (overall, readability) both
        would else be the same judgement, and nobody could tell which one is meant."""
        self.judged.clear()

    def no(self, where: str, why: str) -> None:
        """Something has no place here."""
        self.found.unmapped.append((where, why))

    def episodes(self, where: str, about: Mapping[str, Any], *names: Any) -> Sequence[str]:
        """The episodes that are meant: those mapped from the first name that the mapping has; else those that the
        record itself names (`episode`, `episodes`), their names mapped; else the one that was given for all."""
        for name in names:
            if name is not None and (ids := self.mapped.get(str(name))):
                return ids
        many = about.get("episodes")
        own = many if isinstance(many, list) else [about["episode"]] if about.get("episode") else []
        if own and all(isinstance(each, str) for each in own):
            return [id_ for each in own for id_ in self.mapped.get(each, (each,))]
        if self.episode:
            return (self.episode,)
        keys = " or ".join(repr(str(name)[:80]) for name in names if name is not None)
        self.no(where, f"no episode is given: name it with --episode, or map {keys or 'it'} with --map")
        return ()

    def say(self, where: str, kind: str, who: Any, at: Any, **fields: Any) -> None:
        """Keep an entry, if it is one."""
        said = {"kind": kind, "annotator": name_of(who) or self.annotator, "at": when(at), **fields}
        said["origin"] = f"{IMPORT}{self.source}"
        if not said["annotator"]:
            self.no(where, "nobody is named who said it: give --annotator")
            return
        about = (kind, said["annotator"], *(str(fields.get(key)) for key in ("episode", "episodes", "step", "claim")))
        there, before = self.judged.get(about, (where, fields))
        if before != fields and kind != "critique":
            self.no(where, f"{there} judges the same otherwise, and only one judgement of it can be kept")
            return
        if isinstance(body := said.get("body"), str) and len(body) > MAX_TEXT:
            self.no(where, f"only its first {MAX_TEXT} characters were kept")
            said["body"] = body[:MAX_TEXT]
        try:
            digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
            self.found.entries.append(ENTRY.validate_python({**said, "id": f"{self.source}-{digest[:20]}"}))
            self.judged[about] = (where, fields)
        except ValidationError as error:
            self.no(where, why_not(error))


def name_of(who: Any) -> str:
    """An annotator's name, from a name, a number, or an object that holds one."""
    if isinstance(who, dict):
        keys = ("login", "username", "email", "nickname", "display_name", "name", "id")
        who = next((who[key] for key in keys if who.get(key)), "")
    if isinstance(who, bool) or not isinstance(who, str | int):
        return ""
    return re.sub(r"[^\w.@+-]+", "-", str(who)).strip("-")[:64]


def when(at: Any) -> str:
    """A time as entries tell it; the epoch for what is none."""
    try:
        if isinstance(at, str):
            found = datetime.fromisoformat(at)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        pass
    return EPOCH


def label(reading: Reading, where: str, said: Any, who: Any, at: Any, about: Mapping[str, Any], *names: Any) -> None:
    """A label: of the step or the claim that `about` names, else of the whole episode."""
    if not isinstance(said, str):
        reading.no(where, "a label is a text")
        return
    word = said.strip().lower().replace(" ", "_").replace("-", "_")
    ids = reading.episodes(where, about, *names)
    if not ids:
        return
    step, claim = about.get("step"), about.get("claim")
    if len(ids) != 1:
        reading.no(where, f"the label {said[:40]!r} is of one episode, and {len(ids)} are mapped")
    elif word in CLAIM_LABELS and claim is not None:
        reading.say(where, "claim", who, at, episode=ids[0], claim=claim, label=word)
    elif word in LABELS and step is not None:
        reading.say(where, "step", who, at, episode=ids[0], step=step, label=STEP_LABELS[LABELS[word]])
    elif word in LABELS:
        reading.say(where, "score", who, at, episode=ids[0], value=LABELS[word])
    else:
        known = ", ".join([*LABELS, *(f"{each} (of a claim)" for each in CLAIM_LABELS)])
        reading.no(where, f"the label {said[:40]!r} says nothing here; there are {known}")


def rating(reading: Reading, where: str, stars: Any, who: Any, at: Any, about: Mapping[str, Any], *names: Any) -> None:
    """Stars, from 1 to the best: a score of a whole episode. A step is good, neutral or bad, and has none."""
    if isinstance(stars, bool) or not isinstance(stars, int | float) or not 1 <= stars <= reading.stars:
        reading.no(where, f"a rating is a number from 1 to {reading.stars} (--stars)")
    elif (step := about.get("step")) is not None:
        reading.no(where, f"a rating is of a whole episode, and this is of step {str(step)[:40]}: label it instead")
    elif ids := reading.episodes(where, about, *names):
        if len(ids) == 1:
            value = (stars - 1) / max(1, reading.stars - 1)
            reading.say(where, "score", who, at, episode=ids[0], value=value)
        else:
            reading.no(where, f"a rating is of one episode, and {len(ids)} are mapped")


def ranking(
    reading: Reading, where: str, ranks: Sequence[Any], who: Any, at: Any, about: Mapping[str, Any], *names: Any
) -> None:
    """A rank for each of the episodes that are mapped, 1 the best."""
    ids = reading.episodes(where, about, *names)
    if ids and len(ids) != len(ranks):
        reading.no(where, f"{len(ranks)} are compared, and {len(ids)} episodes are mapped")
    elif ids:
        reading.say(where, "ranking", who, at, episodes=list(ids), ranks=list(ranks))


def comment(reading: Reading, where: str, body: Any, who: Any, at: Any, about: Mapping[str, Any], *names: Any) -> None:
    """A text about the step that `about` names, else about a whole episode."""
    if not isinstance(body, str) or not body.strip():
        reading.no(where, "a comment without words")
    elif ids := reading.episodes(where, about, *names):
        place = {} if about.get("step") is None else {"place": {"step": about["step"]}}
        for id_ in ids:
            reading.say(where, "critique", who, at, episode=id_, body=body, **place)
