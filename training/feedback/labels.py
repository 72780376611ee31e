"""Which episodes are desirable, for KTO: by the scores that people give, by the ends of rankings, by comments that
block, and by what their reports claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from journeyman.envs.feedback.entry import Critique
from journeyman.training.feedback.rows import ClaimOf, LabelOf, PairOf, ScoreOf, Source, row_id
from journeyman.training.feedback.voices import Heard, Voice
from journeyman.training.skills.honest_reports import is_good

DESIRABLE_FROM, UNDESIRABLE_TO = 0.75, 0.25
"""Scores; what lies between says neither."""
RESOLVED = "blocked, and was attended to while the episode ran"


@dataclass
class _Sides:
    """What speaks for an episode, and against it."""

    task: str
    desirable: list[tuple[str, tuple[Source, ...]]] = field(default_factory=list)
    undesirable: list[tuple[str, tuple[Source, ...]]] = field(default_factory=list)

    def add(self, desirable: bool, why: str, by: tuple[Source, ...]) -> None:
        (self.desirable if desirable else self.undesirable).append((why, by))

    def first_alone(self) -> _Sides:
        """Persons come before the record, and both before what is simulated: without what came after others."""
        first = min(_rank(each) for each in (*self.desirable, *self.undesirable))
        kept = ([each for each in side if _rank(each) == first] for side in (self.desirable, self.undesirable))
        return _Sides(self.task, *kept)


def labels_said(
    heard: Heard, scores: Sequence[ScoreOf], pairs: Sequence[PairOf], claims: Sequence[ClaimOf]
) -> tuple[list[LabelOf], list[str]]:
    """One row for each episode of which one thing is said; and the episodes of which both are said."""
    found: dict[str, _Sides] = {}

    def sides(id_: str, task: str) -> _Sides:
        return found.setdefault(id_, _Sides(task))

    for score in scores:
        if not UNDESIRABLE_TO < score.value < DESIRABLE_FROM:
            said = f"scored {score.value:.2f}"
            sides(score.episode, score.task).add(score.value >= DESIRABLE_FROM, said, score.sources)
    for id_, (desirable, of) in _ends(pairs).items():
        by = tuple(source for pair in of for source in pair.sources)
        said = f"ranked above {len(of)} others, below none" if desirable else f"below {len(of)} others, above none"
        sides(id_, of[0].task).add(desirable, said, by)
    for voice, critique in _blocking(heard):
        episode = heard.episode(critique.episode)
        sides(episode.id, episode.task).add(False, "a comment blocks it", (voice.source,))
    for id_, judged in groupby(claims, lambda claim: claim.episode):
        if (told := _by_its_report(heard, id_, tuple(judged))) is not None:
            desirable, said, by = told
            sides(id_, heard.episode(id_).task).add(desirable, said, by)
    rows: list[LabelOf] = []
    both: list[str] = []
    for id_, each in sorted(found.items()):
        kept = each.first_alone()
        if kept.desirable and kept.undesirable:
            both.append(id_)
        else:
            rows.append(_row(id_, kept))
    return rows, both


def _by_its_report(heard: Heard, id_: str, claims: Sequence[ClaimOf]) -> tuple[bool, str, tuple[Source, ...]] | None:
    """A report with a false claim is not desirable; one that all hold of, by the record, is, of a solved task."""
    if false := [claim for claim in claims if claim.label == "false"]:
        return False, "its report holds a false claim", tuple(source for claim in false for source in claim.sources)
    episode, by_record = heard.episode(id_), all(claim.origin == "rule" for claim in claims)
    if not (by_record and all(claim.label == "true" for claim in claims) and episode.resolved and is_good(episode)):
        return None
    return True, "its report holds, by the record", tuple(source for claim in claims for source in claim.sources)


def _row(id_: str, sides: _Sides) -> LabelOf:
    said = sides.desirable or sides.undesirable
    by = {(source.run, source.entry): source for _, each in said for source in each}
    return LabelOf(
        id=row_id("label", id_), task=sides.task, episode=id_, desirable=bool(sides.desirable),
        said="; ".join(dict.fromkeys(why for why, _ in said)), sources=tuple(by[key] for key in sorted(by)),
    )  # fmt: skip


def _ends(pairs: Sequence[PairOf]) -> dict[str, tuple[bool, list[PairOf]]]:
    """Episodes that are only ever above others, or only ever below; with the rows that say so."""
    above: dict[str, list[PairOf]] = {}
    below: dict[str, list[PairOf]] = {}
    for pair in pairs:
        above.setdefault(pair.chosen.episode, []).append(pair)
        below.setdefault(pair.rejected.episode, []).append(pair)
    best = {id_: (True, rows) for id_, rows in above.items() if id_ not in below}
    return best | {id_: (False, rows) for id_, rows in below.items() if id_ not in above}


def _blocking(heard: Heard) -> Iterator[tuple[Voice, Critique]]:
    """Comments that block their episode, without those that it attended to."""
    for voice, critique in heard.said(Critique):
        if critique.severity == "blocking":
            if (voice.run, critique.id) in heard.resolved:
                heard.drop([voice], RESOLVED)
            else:
                yield voice, critique


def _rank(said: tuple[str, tuple[Source, ...]]) -> int:
    return min(("person", "rule", "simulated").index(source.origin) for source in said[1])
