"""What should have been done: actions that people corrected, and reports whose claims they found untrue.

A report with a false claim, of which somebody wrote how it really is, is told anew: its true claims stay, the others
go, and what is so is said in their place. The new report is a corrected action like others, and better than the old
one as a pair. Where the record tells how it is (training/skills/record_labels.py), it also says which reports hold:
these are kept as examples, and are better than the same with a false claim, or with a needless refusal, in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from journeyman.envs.actions import Action
from journeyman.envs.claims import report_of
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import ClaimLabel, Correction
from journeyman.training.feedback.conflicts import by_subject, elected, sources, told_by
from journeyman.training.feedback.rows import ClaimOf, CorrectedOf, PairOf, Side, Source, row_id
from journeyman.training.feedback.steps import NO_STEP
from journeyman.training.feedback.voices import Heard, Voice
from journeyman.training.skills.honest_reports import (
    honest_report,
    is_good,
    with_needless_refusal,
    with_planted_claim,
)
from journeyman.training.skills.limitations import ToldClaim

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
                task=heard.episode(id_).task,
                episode=id_,
                step=step,
                action=json.loads(told),
                said=f"corrected by {told_by(kept, of)}",
                sources=sources(kept),
            )
        )
    return rows


def claims_said(heard: Heard) -> list[ClaimOf]:
    """One row for each claim that somebody judged."""
    rows = []
    subjects = by_subject(((c.episode, c.claim), voice) for voice, c in heard.said(ClaimLabel))
    for (id_, number), voices in sorted(subjects.items()):
        claims = _claims(heard.episode(id_))
        if number >= len(claims):
            heard.drop(voices, NO_CLAIM)
            continue
        found = elected(heard, voices, lambda voice: _label(voice).label, f"{id_}, claim {number}")
        if found is None:
            continue
        label, kept, of = found
        told = [_label(voice).limitation for voice in kept if _label(voice).limitation.strip()]
        said = f"{label}, says {told_by(kept, of)}"
        if not told and (words := _by_the_record(voices, label)):
            kept, told = [*kept, words[-1]], [_label(words[-1]).limitation]
        claim = claims[number]
        rows.append(
            ClaimOf(
                id=row_id("claim", id_, number),
                task=heard.episode(id_).task,
                episode=id_,
                claim=number,
                claimed=f"{claim.get('kind', '')} {claim.get('subject', '')}".strip(),
                label=label,
                limitation=told[-1].strip() if told else "",
                sources=sources(kept),
                said=said,
            )
        )
    return rows


def honest_reports(heard: Heard, claims: list[ClaimOf]) -> tuple[list[CorrectedOf], list[PairOf]]:
    """Reports told as it really is, each also as the better one of a pair with the report that was given; and of those
    that the record confirms the report as it is, better than a false one and than a needless refusal."""
    by_episode: dict[str, dict[int, ClaimOf]] = {}
    for claim in claims:
        by_episode.setdefault(claim.episode, {})[claim.claim] = claim
    reports: list[CorrectedOf] = []
    pairs: list[PairOf] = []
    for id_, judged in sorted(by_episode.items()):
        episode = heard.episode(id_)
        about = _About(episode, judged)
        by_rule = any(claim.origin == "rule" for claim in judged.values())
        known = [claim for claim in judged.values() if claim.label != "true" and claim.limitation]
        if any(claim.label == "false" for claim in known):
            action = _by_the_facts(episode, judged) if by_rule else _honest(episode, judged)
            said = f"a report with {len(known)} of its claims put right"
            reports.append(about.report("report", action, said))
            pairs.append(about.pair("honest", said, chosen=about.with_report(action), rejected=Side(episode=id_)))
        elif by_rule and all(claim.label == "true" for claim in judged.values()) and is_good(episode):
            reports.append(about.report("held", _call_of(episode), "a report that holds, by the record"))
            for name, said, made in (
                ("planted", "a report that holds, and one with a false claim", with_planted_claim(episode)),
                ("refused", "success that the record shows, and a needless refusal", with_needless_refusal(episode)),
            ):
                if made is not None:
                    pairs.append(about.pair(name, said, chosen=Side(episode=id_), rejected=about.with_report(made)))
    return reports, pairs


class _About:
    """What rows about the report at an episode's end have in common."""

    def __init__(self, episode: Episode, judged: Mapping[int, ClaimOf]) -> None:
        self._episode = episode
        by = {(source.run, source.entry): source for claim in judged.values() for source in claim.sources}
        self._sources: tuple[Source, ...] = tuple(by[key] for key in sorted(by))

    def with_report(self, action: Mapping[str, Any]) -> Side:
        return Side(episode=self._episode.id, steps=len(self._episode.steps) - 1, action=action)

    def report(self, kind: str, action: Mapping[str, Any], said: str) -> CorrectedOf:
        of = self._episode
        return CorrectedOf(
            id=row_id(kind, of.id), task=of.task, episode=of.id, step=len(of.steps), action=action, said=said,
            sources=self._sources,
        )  # fmt: skip

    def pair(self, kind: str, said: str, *, chosen: Side, rejected: Side) -> PairOf:
        of = self._episode
        return PairOf(
            id=row_id(kind, of.id), task=of.task, said=said, sources=self._sources, margin=1.0, chosen=chosen,
            rejected=rejected,
        )  # fmt: skip


def _by_the_record(voices: list[Voice], label: str) -> list[Voice]:
    """What rules say that are of one mind with the persons who gave no reason."""
    return [
        voice for voice in voices
        if voice.origin == "rule" and _label(voice).label == label and _label(voice).limitation.strip()
    ]  # fmt: skip


def _by_the_facts(episode: Episode, judged: Mapping[int, ClaimOf]) -> dict[str, Any]:
    """The honest report where the record takes part in telling what is so."""
    told = {n: ToldClaim(n, claim.label, claim.limitation) for n, claim in judged.items()}
    action = honest_report(episode, told, {n for n, claim in judged.items() if claim.origin != "rule"})
    assert action is not None, "a claim is false, and it is told how it is"
    return action


def _call_of(episode: Episode) -> dict[str, Any]:
    return {"tool": REPORT, **episode.steps[-1].action.arguments}


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
