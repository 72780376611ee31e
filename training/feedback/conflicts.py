"""What holds where several people judged one thing. The rules, in their order:

1. An adjudication: the entry that it holds by stands alone, on what all the entries speak of that it decided between.
   A program's decides so only where nobody but programs judged.
2. Persons before programs: where a person judged, no rule counts, and where a rule told what the record decides,
   nothing simulated does, by whichever item.
3. Of what one annotator said of one thing, the latest.
4. The majority. Of numbers that is the median.
5. A tie decides nothing: the thing is left out, and reported. Of numbers it is one where the two in the middle are
   more than `APART` away from each other.

Judgements by different items of guidelines are no conflict: they are weighed together, by the items' weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from statistics import median
from typing import TypeVar

from journeyman.training.feedback.rows import Source
from journeyman.training.feedback.voices import Heard, Voice

APART = 0.5
"""By so much may the two middle ones of an even number of values differ, and still agree."""
RULES = (
    "an adjudication decides alone, a program's only where nobody but programs judged",
    "where a person judged, no rule counts; where a person or a rule did, nothing simulated counts",
    "of what one annotator said of one thing, the latest counts",
    f"the majority decides; of numbers the median, unless the two in the middle are more than {APART} apart",
    "a tie decides nothing: it is left out, and listed in left_out.jsonl",
    "items of guidelines are weighed together, by their weights; a judgement of the whole weighs 1",
)
ADJUDICATED = "an adjudication holds by another"
PERSONS = "a person judged the same"
DECIDED = "the record decides the same"
AGAIN = "the same annotator said it again later"
TIE = "annotators disagree"
OUTVOTED = "the majority says otherwise"

K = TypeVar("K", bound=Hashable)
ByItem = TypeVar("ByItem", bound=tuple[object, ...])
"""A thing, and last the item that it is judged by."""
T = TypeVar("T", bound=Hashable)


def by_subject(voices: Iterable[tuple[K, Voice]]) -> dict[K, list[Voice]]:
    """The voices about each thing, in the order in which they spoke."""
    found: dict[K, list[Voice]] = {}
    for subject, voice in voices:
        found.setdefault(subject, []).append(voice)
    return found


def persons_alone(heard: Heard, subjects: Mapping[ByItem, list[Voice]]) -> dict[ByItem, list[Voice]]:
    """Rule 2 across the items: without those by which programs alone judge what a person, or a rule, judges by another
    one. Items are weighed together, and a heavy one of a program's would decide against the person."""
    judged = {about[:-1] for about, voices in subjects.items() if not _simulated(voices)}
    kept = {}
    for about, voices in subjects.items():
        if about[:-1] in judged and _simulated(voices):
            heard.drop(voices, PERSONS)
        else:
            kept[about] = voices
    return kept


def _simulated(voices: Sequence[Voice]) -> bool:
    return all(voice.origin == "simulated" for voice in voices)


def weightiest(heard: Heard, voices: Sequence[Voice]) -> list[Voice]:
    """Those that count by rules 1 and 2; the others are noted."""
    if settled := _settled(heard, voices, simulated=False):
        return settled
    for origin, why in (("person", PERSONS), ("rule", DECIDED)):
        if kept := [voice for voice in voices if voice.origin == origin]:
            heard.drop([voice for voice in voices if voice.origin != origin], why)
            return kept
    return _settled(heard, voices, simulated=True) or list(voices)


def _settled(heard: Heard, voices: Sequence[Voice], *, simulated: bool) -> list[Voice]:
    """The voice that the last adjudication holds by, of those that a person made or a program; none without any."""
    moments = {settles.moment: voice for voice in voices for settles in voice.settles if settles.simulated == simulated}
    if not moments:
        return []
    last = moments[max(moments)]
    heard.drop([voice for voice in voices if voice is not last], ADJUDICATED)
    return [last]


def latest(heard: Heard, voices: Sequence[Voice]) -> list[Voice]:
    """The last of each annotator; the others are noted."""
    last = {voice.annotator: voice for voice in voices}
    kept = [voice for voice in voices if last[voice.annotator] is voice]
    heard.drop([voice for voice in voices if last[voice.annotator] is not voice], AGAIN)
    return kept


def counting(heard: Heard, voices: Sequence[Voice]) -> list[Voice]:
    """Those whose judgements are counted against each other: one of each annotator."""
    return latest(heard, weightiest(heard, voices))


def majority(votes: Iterable[T]) -> T | None:
    """What most say; None where there is no such thing."""
    (first, most), *others = Counter(votes).most_common(2)
    return None if others and others[0][1] == most else first


def elected(
    heard: Heard, voices: Sequence[Voice], says: Callable[[Voice], T], about: str
) -> tuple[T, list[Voice], int] | None:
    """What most of those who count say, who they are, and of how many; None at a tie. The others are noted."""
    counted = counting(heard, voices)
    told = majority(map(says, counted))
    if told is None:
        heard.drop(counted, TIE, about)
        return None
    heard.drop([voice for voice in counted if says(voice) != told], OUTVOTED, about)
    return told, [voice for voice in counted if says(voice) == told], len(counted)


def middle(values: Sequence[float]) -> float | None:
    """The median; None where those in the middle are too far apart to agree."""
    ordered = sorted(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return None if high - low > APART else float(median(ordered))


def weighed(parts: Mapping[K, tuple[float, float]]) -> float:
    """The mean of (weight, value)."""
    return sum(weight * value for weight, value in parts.values()) / sum(weight for weight, _ in parts.values())


def sources(*groups: Iterable[Voice]) -> tuple[Source, ...]:
    """Their sources, each once, in one order."""
    found = {(voice.run, voice.entry.id): voice.source for voices in groups for voice in voices}
    return tuple(found[key] for key in sorted(found))


def told_by(voices: Sequence[Voice], of: int) -> str:
    """In words, who of so many said it, and by what: how many annotators, or which rule."""
    if rules := sorted({voice.source.annotator for voice in voices if voice.origin == "rule"}):
        return ", ".join(rules)
    return agreed(len(voices), of, {voice.by for voice in voices})


def agreed(sides: int, of: int, items: Iterable[str]) -> str:
    """In words, how many said it, and by what."""
    named = ", ".join(sorted(filter(None, items)))
    return f"{sides} of {of} annotators" + (f", by {named}" if named else "")
