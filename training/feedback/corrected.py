"""What should have been done: actions that people corrected, and reports whose claims they found untrue.

A report with a false claim, of which somebody wrote how it really is, is told anew: its true claims stay, the others
go, and what is so is said in their place. The new report is a corrected action like others, and better than the old
one as a pair.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from journeyman.envs.actions import Action
from journeyman.envs.claims import report_of
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import ClaimLabel, Correction
from journeyman.training.feedback.conflicts import agreed, by_subject, elected, sources
from journeyman.training.feedback.rows import ClaimOf, CorrectedOf, PairOf, Side, Source, row_id
from journeyman.training.feedback.steps import NO_STEP
from journeyman.training.feedback.voices import Heard, Voice

NO_CLAIM = "of a claim that is not there"
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
        as_it_was = _said(done.action)
        heard.drop([voice for voice in voices if _call(voice) == as_it_was], NOTHING_NEW)
        new = [voice for voice in voices if _call(voice) != as_it_was]
        if not new or (found := elected(heard, new, _call, f"{id_}, step {step}")) is None:
            continue
        told, kept, of = found
        rows.append(
            CorrectedOf(
                id=row_id("corrected", id_, step),
                task=_episode(heard, id_).task,
                episode=id_,
                step=step,
                action=json.loads(told),
                said=f"corrected by {agreed(len(kept), of, _items(kept))}",
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
        found = elected(heard, voices, lambda voice: _label(voice).label, f"{id_}, claim {number}")
        if found is None:
            continue
        label, kept, of = found
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
                said=f"{label}, says {agreed(len(kept), of, _items(kept))}",
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
    report = report_of(episode.steps)
    return [claim.model_dump() for claim in report.claims] if report is not None else []


def _episode(heard: Heard, id_: str) -> Episode:
    found = heard.find(id_)
    assert found is not None, "what stands is of an episode that is there"
    return found


def _action(voice: Voice) -> Action:
    assert isinstance(voice.entry, Correction)
    return Action.from_json(json.dumps(dict(voice.entry.action)))


def _call(voice: Voice) -> str:
    return _said(_action(voice))


def _label(voice: Voice) -> ClaimLabel:
    assert isinstance(voice.entry, ClaimLabel)
    return voice.entry


def _said(action: Action) -> str:
    return json.dumps({"tool": action.tool, **action.arguments}, sort_keys=True)


def _items(voices: list[Voice]) -> set[str]:
    return {voice.by for voice in voices}
