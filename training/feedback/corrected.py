"""What should have been done: actions that people corrected, and reports whose claims they found untrue.

A report with a false claim, of which somebody wrote how it really is, is told anew: its true claims stay, the others
go, and what is so is said in their place. The new report is a corrected action like others, and better than the old
one as a pair.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from journeyman.envs.actions import MALFORMED, Action
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import ClaimLabel, Correction
from journeyman.training.feedback.conflicts import OUTVOTED, TIE, agreed, by_subject, counting, majority, sources
from journeyman.training.feedback.rows import ClaimOf, CorrectedOf, PairOf, Side, Source, row_id
from journeyman.training.feedback.steps import NO_STEP
from journeyman.training.feedback.voices import Heard, Voice

NO_CLAIM = "of a claim that is not there"
NO_CALL = "no action of ours"
NOTHING_NEW = "what was done already"
REPORT = "report"
_SUMMARY_LENGTH = 2000


def corrections_said(heard: Heard) -> list[CorrectedOf]:
    """One row for each step that somebody corrected."""
    rows = []
    subjects = by_subject(((c.episode, c.step), voice) for voice, c in heard.said(Correction))
    for (id_, step), voices in sorted(subjects.items()):
        if (done := heard.step(id_, step)) is None:
            heard.drop(voices, NO_STEP)
            continue
        sound = []
        for voice in voices:
            action = _action(voice)
            if action.tool == MALFORMED:
                heard.drop([voice], NO_CALL, str(action.arguments["why"]))
            elif _said(action) == _said(done.action):
                heard.drop([voice], NOTHING_NEW)
            else:
                sound.append(voice)
        if not sound:
            continue
        counted = counting(heard, sound)
        told = majority(_said(_action(voice)) for voice in counted)
        if told is None:
            heard.drop(counted, TIE, f"{id_}, step {step}")
            continue
        kept = [voice for voice in counted if _said(_action(voice)) == told]
        heard.drop([voice for voice in counted if voice not in kept], OUTVOTED, f"{id_}, step {step}")
        rows.append(
            CorrectedOf(
                id=row_id("corrected", id_, step),
                task=_episode(heard, id_).task,
                episode=id_,
                step=step,
                action=json.loads(told),
                said=f"corrected by {agreed(len(kept), len(counted), _items(kept))}",
                sources=sources(kept),
            )
        )
    return rows


def claims_said(heard: Heard) -> list[ClaimOf]:
    """One row for each claim that somebody judged."""
    rows = []
    subjects = by_subject(((c.episode, c.claim), voice) for voice, c in heard.said(ClaimLabel))
    for (id_, number), voices in sorted(subjects.items()):
        claims = _claims(_episode(heard, id_))
        if number >= len(claims):
            heard.drop(voices, NO_CLAIM)
            continue
        counted = counting(heard, voices)
        label = majority(_label(voice).label for voice in counted)
        if label is None:
            heard.drop(counted, TIE, f"{id_}, claim {number}")
            continue
        kept = [voice for voice in counted if _label(voice).label == label]
        heard.drop([voice for voice in counted if voice not in kept], OUTVOTED, f"{id_}, claim {number}")
        told = [_label(voice).limitation for voice in kept if _label(voice).limitation.strip()]
        claim = claims[number]
        rows.append(
            ClaimOf(
                id=row_id("claim", id_, number),
                task=_episode(heard, id_).task,
                episode=id_,
                claim=number,
                claimed=f"{claim.get('kind', '')} {claim.get('subject', '')}".strip(),
                label=label,
                limitation=told[-1].strip() if told else "",
                sources=sources(kept),
                said=f"{label}, says {agreed(len(kept), len(counted), _items(kept))}",
            )
        )
    return rows


def honest_reports(heard: Heard, claims: list[ClaimOf]) -> tuple[list[CorrectedOf], list[PairOf]]:
    """Reports told as it really is, each also as the better one of a pair with the report that was given."""
    by_episode: dict[str, dict[int, ClaimOf]] = {}
    for claim in claims:
        by_episode.setdefault(claim.episode, {})[claim.claim] = claim
    reports, pairs = [], []
    for id_, judged in sorted(by_episode.items()):
        known = {number: claim for number, claim in judged.items() if claim.label != "true" and claim.limitation}
        if not any(claim.label == "false" for claim in known.values()):
            continue
        episode = _episode(heard, id_)
        step = len(episode.steps)
        action = _honest(episode, judged)
        by = {(source.run, source.entry): source for claim in judged.values() for source in claim.sources}
        of: tuple[Source, ...] = tuple(by[key] for key in sorted(by))
        said = f"a report with {len(known)} of its claims put right"
        reports.append(
            CorrectedOf(
                id=row_id("report", id_),
                task=episode.task,
                episode=id_,
                step=step,
                action=action,
                said=said,
                sources=of,
            )
        )
        pairs.append(
            PairOf(
                id=row_id("honest", id_),
                task=episode.task,
                said=said,
                sources=of,
                margin=1.0,
                chosen=Side(episode=id_, steps=step - 1, action=action),
                rejected=Side(episode=id_),
            )
        )
    return reports, pairs


def _honest(episode: Episode, judged: Mapping[int, ClaimOf]) -> dict[str, Any]:
    """The report without what is not true, and with how it is; what nobody judged stays."""
    claims = [
        claim for number, claim in enumerate(_claims(episode)) if number not in judged or judged[number].label == "true"
    ]
    told = list(
        dict.fromkeys(
            claim.limitation for _, claim in sorted(judged.items()) if claim.label != "true" and claim.limitation
        )
    )
    new = [{"kind": "not_done", "subject": limitation} for limitation in told]
    return {"tool": REPORT, "summary": "\n".join(told)[:_SUMMARY_LENGTH], "claims": [*claims, *new]}


def _claims(episode: Episode) -> list[dict[str, Any]]:
    """What the report at an episode's end claims."""
    last = episode.steps[-1].action if episode.steps else None
    if last is None or last.tool != REPORT or (report := last.parsed_or_none()) is None:
        return []
    return [claim.model_dump() for claim in report.claims]


def _episode(heard: Heard, id_: str) -> Episode:
    found = heard.find(id_)
    assert found is not None, "what stands is of an episode that is there"
    return found


def _action(voice: Voice) -> Action:
    assert isinstance(voice.entry, Correction)
    return Action.from_json(json.dumps(dict(voice.entry.action)))


def _label(voice: Voice) -> ClaimLabel:
    assert isinstance(voice.entry, ClaimLabel)
    return voice.entry


def _said(action: Action) -> str:
    return json.dumps({"tool": action.tool, **action.arguments}, sort_keys=True)


def _items(voices: list[Voice]) -> set[str]:
    return {voice.by for voice in voices}
