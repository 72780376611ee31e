"""Scores as one number for each episode: what people gave by each item of their guidelines, weighed."""

from __future__ import annotations

from journeyman.envs.feedback.entry import Score
from journeyman.training.feedback.conflicts import (
    TIE,
    agreed,
    by_subject,
    counting,
    middle,
    persons_alone,
    sources,
    weighed,
)
from journeyman.training.feedback.rows import ScoreOf, deeds, row_id
from journeyman.training.feedback.voices import Heard, Voice

Part = tuple[float, float]
"""Weight and value."""


def scores_said(heard: Heard) -> list[ScoreOf]:
    """One row for each episode that somebody scored."""
    parts: dict[str, dict[str, Part]] = {}
    kept: dict[str, dict[str, list[Voice]]] = {}
    subjects = by_subject(((s.episode, voice.by), voice) for voice, s in heard.said(Score))
    for (id_, item), voices in persons_alone(heard, subjects).items():
        counted = counting(heard, voices)
        value = middle([voice.entry.value for voice in counted if isinstance(voice.entry, Score)])
        if value is None:
            heard.drop(counted, TIE, f"{id_}{', ' + item if item else ''}")
        else:
            parts.setdefault(id_, {})[item] = (heard.weight(counted[0].item), value)
            kept.setdefault(id_, {})[item] = counted
    return [_row(heard, id_, parts[id_], kept[id_]) for id_ in sorted(parts)]


def _row(heard: Heard, id_: str, parts: dict[str, Part], kept: dict[str, list[Voice]]) -> ScoreOf:
    episode = heard.episode(id_)
    said = "; ".join(agreed(len(voices), len(voices), [item]) for item, voices in sorted(kept.items()))
    return ScoreOf(
        id=row_id("score", id_), task=episode.task, episode=id_, value=round(weighed(parts), 6),
        parts={item: round(value, 6) for item, (_, value) in sorted(parts.items())}, same=deeds(episode),
        said=f"scored by {said}", sources=sources(*kept.values()),
    )  # fmt: skip
