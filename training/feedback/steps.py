"""Labels of steps, and comments on them, as one number for each step, in [-1, 1]."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from journeyman.envs.feedback.entry import Critique, StepLabel
from journeyman.training.feedback.conflicts import (
    TIE,
    agreed,
    by_subject,
    latest,
    middle,
    persons_alone,
    sources,
    weighed,
    weightiest,
)
from journeyman.training.feedback.rows import StepOf, deeds, row_id
from journeyman.training.feedback.voices import Heard, Voice

LABELS = {"good": 1.0, "neutral": 0.0, "bad": -1.0}
SEVERITIES = {"praise": 1.0, "note": 0.0, "minor": -0.25, "major": -0.5, "blocking": -1.0}
"""What a comment on a step says of it. A note judges nothing."""
LABELLED = "its annotator labelled the step itself"
NO_STEP = "of a step that is not there"


@dataclass(frozen=True, slots=True)
class _Decided:
    voices: tuple[Voice, ...]
    annotators: int
    value: float


def steps_said(heard: Heard) -> list[StepOf]:
    """One row for each step that somebody judged."""
    decided: dict[tuple[str, int], dict[str, _Decided]] = {}
    for (episode, step, item), voices in persons_alone(heard, by_subject(_judgements(heard))).items():
        if heard.step(episode, step) is None:
            heard.drop(voices, NO_STEP)
        elif (found := _decide(heard, voices, f"{episode}, step {step}")) is not None:
            decided.setdefault((episode, step), {})[item] = found
    return [_row(heard, episode, step, by_item) for (episode, step), by_item in sorted(decided.items())]


def _row(heard: Heard, id_: str, step: int, by_item: dict[str, _Decided]) -> StepOf:
    episode = heard.episode(id_)
    parts = {item: (heard.weight(each.voices[0].item), each.value) for item, each in by_item.items()}
    said = "; ".join(agreed(each.annotators, each.annotators, [item]) for item, each in sorted(by_item.items()))
    return StepOf(
        id=row_id("step", id_, step), task=episode.task, episode=id_, step=step, value=round(weighed(parts), 6),
        same=deeds(episode, step), said=f"judged by {said}", sources=sources(*(e.voices for e in by_item.values())),
    )  # fmt: skip


def _judgements(heard: Heard) -> Iterator[tuple[tuple[str, int, str], Voice]]:
    for voice in heard.voices:
        entry = voice.entry
        if isinstance(entry, StepLabel):
            yield (entry.episode, entry.step, voice.by), voice
        elif isinstance(entry, Critique) and entry.place.step is not None and entry.severity != "note":
            yield (entry.episode, entry.place.step, voice.by), voice


def _decide(heard: Heard, voices: list[Voice], about: str) -> _Decided | None:
    counted = weightiest(heard, voices)
    labels = latest(heard, [voice for voice in counted if isinstance(voice.entry, StepLabel)])
    votes = {voice.annotator: [voice] for voice in labels}
    for voice in counted:
        if isinstance(voice.entry, Critique):
            if voice.annotator in {label.annotator for label in labels}:
                heard.drop([voice], LABELLED)
            else:
                votes.setdefault(voice.annotator, []).append(voice)
    value = middle([_value(said) for said in votes.values()])
    kept = tuple(voice for said in votes.values() for voice in said)
    if value is None:
        heard.drop(kept, TIE, about)
        return None
    return _Decided(kept, len(votes), value)


def _value(voices: list[Voice]) -> float:
    """Of one annotator: the label, or what the gravest comment says."""
    return min(_worth(voice) for voice in voices)


def _worth(voice: Voice) -> float:
    entry = voice.entry
    return LABELS[entry.label] if isinstance(entry, StepLabel) else SEVERITIES[getattr(entry, "severity", "note")]
