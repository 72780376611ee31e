"""How well a run's episodes keep to a guideline, and whether they stay in character to their end.

Rules decide what they can, from the record alone. Of what a person or a judge decides, it is told what they said, and
how many were heard; nothing stands in for those who were not. Tasks are the clusters of every interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from journeyman.envs.episode import Episode
from journeyman.envs.feedback.standing import Judged
from journeyman.envs.guidelines.guideline import Guideline, Item, ItemRef
from journeyman.envs.guidelines.rule import RuleFinding, Seen
from journeyman.envs.guidelines.rules import RULES
from journeyman.envs.guidelines.rules import adherence as judged_by_rules
from journeyman.training.repeats import Estimate, by_task, mean_by_task, mean_difference
from journeyman.training.skills.heard import NOBODY, Heard, Trust, heard_of, trust_of
from journeyman.training.stats import Rate

THIRDS = ("first", "middle", "last")
UNTOLD = "not told by any rule"
"""What stands for a score where no rule decided anything."""


@dataclass(frozen=True, slots=True)
class ItemAdherence:
    """One item over all episodes."""

    item: Item
    ref: ItemRef
    kept: Rate
    """By rule: of the episodes of which the record tells."""
    silent: int
    """Episodes of which it does not tell; of an item that a person or a judge decides, all of them."""
    value: Estimate | None
    """By rule: how well it is kept, in [0, 1]; None where the record tells of no episode."""
    broken: str
    """The first episode that did not keep to it, with what shows it; empty where none did."""
    heard: Heard
    """What people and judges said of it."""

    @property
    def by_rule(self) -> bool:
        return self.item.check.by == "rule"

    def to_dict(self) -> dict[str, Any]:
        return {
            "item": str(self.ref), "digest": self.ref.digest, "kind": self.item.kind, "weight": self.item.weight,
            "by": self.item.check.by, "kept": self.kept.to_dict(), "silent": self.silent,
            "value": self.value.to_dict() if self.value else None, "first_broken": self.broken,
            "heard": self.heard.to_dict(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class InCharacter:
    """Whether adherence fades as an episode goes on, by the rules that can be told at a step."""

    thirds: tuple[Rate, Rate, Rate]
    """Of the occasions in an episode's first, middle and last third, at which an item could be told: those kept. What
    is told of the report alone is not among them, for it has its own place."""
    report: Rate
    """Of the occasions at the report."""
    fading: Estimate | None
    """How much less is kept in the last third than in the first, in [-1, 1]: mean over tasks, of episodes that have
    occasions in both. None without any."""
    to_the_end: Rate
    """Of the episodes, those that broke no `must` or `must_not` at any step, nor in the report."""
    lasts: Estimate | None
    """The share of an episode before it first breaks one; 1 where it breaks none."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "thirds": {name: rate.to_dict() for name, rate in zip(THIRDS, self.thirds, strict=True)},
            "report": self.report.to_dict(), "fading": self.fading.to_dict() if self.fading else None,
            "to_the_end": self.to_the_end.to_dict(), "lasts": self.lasts.to_dict() if self.lasts else None,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Adherence:
    """A guideline over a run."""

    guideline: Guideline
    episodes: int
    tasks: int
    score: Estimate | None
    """The rules' values by weight, in [0, 1]; None where they decided nothing."""
    faithful: Rate
    """Of the episodes of which rules decided something: those that keep every `must` and `must_not`."""
    items: tuple[ItemAdherence, ...]
    character: InCharacter
    judges: tuple[Trust, ...] = ()
    """How far each judge model that was heard says of rule items what the rules say."""
    scores: dict[str, float] = field(default_factory=dict, repr=False)
    """By episode."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "guideline": self.guideline.name, "version": self.guideline.version, "episodes": self.episodes,
            "tasks": self.tasks, "score": self.score.to_dict() if self.score else None,
            "faithful": self.faithful.to_dict(), "items": [each.to_dict() for each in self.items],
            "in_character": self.character.to_dict(), "judges": [each.to_dict() for each in self.judges],
        }  # fmt: skip

    def lines(self) -> list[str]:
        """For the terminal."""
        head = f"{self.guideline.title} ({self.guideline.name}@{self.guideline.version})"
        if not self.episodes:
            return [head, "no episodes"]
        found = [
            f"{head}: {_many(self.episodes, 'episode')} of {_many(self.tasks, 'task')}",
            f"by rule: {self.score or UNTOLD}; every must kept in {self.faithful}",
        ]
        for each in self.items:
            found += [
                f"  {each.item.id} ({each.item.kind.replace('_', ' ')}, weight {each.item.weight:g}): {_said(each)}"
            ]
            if each.broken:
                found.append(f"    first not kept: {each.broken}")
            found += [f"    {line}" for line in each.heard.lines(self.judges)]
        return [*found, *_character_lines(self.character), *(line for each in self.judges for line in each.lines())]


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def adherence_of(episodes: Iterable[Episode], guideline: Guideline, said: Iterable[Judged] = ()) -> Adherence:
    """How well episodes keep to a guideline.

    Args:
        said: the feedback of the run (`journeyman.envs.feedback.standing.standing`), in which people's and judges'
            scores and comments by an item are looked for. What was said of an item that meant something else, was
            taken back or is nobody's to count is left out.
    """
    looked = [_look(episode, guideline) for episode in episodes]
    scores = {each.id: each.score for each in looked if each.score is not None}
    rules = {(each.id, item.id): finding for each in looked for item, finding in each.by_rule}
    tasks = {each.id: each.task for each in looked}
    voices = heard_of(said, guideline, tasks)
    told_of = [(each.task, each.faithful, 1) for each in looked if each.faithful is not None]
    return Adherence(
        guideline=guideline, episodes=len(looked), tasks=len({each.task for each in looked}),
        score=mean_by_task((each.task, each.score) for each in looked if each.score is not None),
        faithful=by_task(told_of),
        items=tuple(_item(item, guideline, looked, voices.get(item.id, NOBODY)) for item in guideline.items),
        character=_in_character(looked), judges=trust_of(voices, rules, tasks), scores=scores,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Looked:
    """What the rules say of one episode."""

    id: str
    task: str
    score: float | None
    findings: tuple[tuple[Item, RuleFinding], ...]
    occasions: tuple[tuple[Item, int, bool], ...]
    """Item, step (from 1), whether it is kept there; the report's step apart from it, as 0."""
    steps: int

    @property
    def by_rule(self) -> list[tuple[Item, RuleFinding]]:
        return [(item, finding) for item, finding in self.findings if item.check.by == "rule"]

    @property
    def faithful(self) -> bool | None:
        """Whether every `must` and `must_not` that rules decided is kept; None where they decided none."""
        told_of = [f.kept for item, f in self.findings if f.kept is not None and item.kind != "should"]
        return all(told_of) if told_of else None

    @property
    def lasts(self) -> float | None:
        """The share of its steps before it first broke a `must` or `must_not`."""
        musts = [(step or self.steps, ok) for item, step, ok in self.occasions if item.kind != "should"]
        if not musts or not self.steps:
            return None
        return min(((step - 1) / self.steps for step, ok in musts if not ok), default=1.0)


def _look(episode: Episode, guideline: Guideline) -> _Looked:
    found = judged_by_rules(guideline, episode)
    seen, occasions = Seen(episode), []
    for each in found.items:
        rule = RULES.get(each.item.check.rule)
        if each.finding.kept is None or rule is None or rule.told_at is None:
            continue
        at = set(rule.told_at(seen))
        broken = set(each.finding.steps) & at if not each.finding.kept else set()
        is_end = seen.report is not None and at == {len(seen.steps)}
        occasions += [(each.item, 0 if is_end else step, step not in broken) for step in sorted(at)]
    return _Looked(
        episode.id, episode.task, found.score, tuple((each.item, each.finding) for each in found.items),
        tuple(occasions), len(episode.steps),
    )  # fmt: skip


def _item(item: Item, guideline: Guideline, looked: Sequence[_Looked], heard: Heard) -> ItemAdherence:
    findings = [(each, finding) for each in looked for of, finding in each.findings if of.id == item.id]
    decided = [(each, finding) for each, finding in findings if finding.kept is not None]
    first = next((f"{each.id}, {finding.evidence}" for each, finding in decided if not finding.kept), "")
    return ItemAdherence(
        item, ItemRef.of(guideline, item),
        by_task((each.task, bool(finding.kept), 1) for each, finding in decided),
        len(findings) - len(decided),
        mean_by_task((each.task, finding.value or 0.0) for each, finding in decided),
        first, heard,
    )  # fmt: skip


def _in_character(looked: Sequence[_Looked]) -> InCharacter:
    kept: list[list[tuple[str, bool, int]]] = [[], [], [], []]
    differences = []
    for each in looked:
        own: list[list[bool]] = [[], [], []]
        for _, step, ok in each.occasions:
            place = min(2, int(3 * (step - 0.5) / each.steps)) if step else 3
            kept[place].append((each.task, ok, 1))
            if step:
                own[place].append(ok)
        if own[0] and own[2]:
            differences.append((each.task, sum(own[0]) / len(own[0]) - sum(own[2]) / len(own[2])))
    first, middle, last, report = (by_task(outcomes) for outcomes in kept)
    ends = [(each.task, all(ok for item, _, ok in each.occasions if item.kind != "should"), 1)
            for each in looked if each.occasions]  # fmt: skip
    lasting = mean_by_task((each.task, each.lasts) for each in looked if each.lasts is not None)
    return InCharacter((first, middle, last), report, mean_difference(differences), by_task(ends), lasting)


def _said(each: ItemAdherence) -> str:
    if not each.by_rule:
        return f"by a {each.item.check.by}" + ("" if each.heard else ", not measured: nobody has said anything of it")
    if each.value is None:
        return "by rule, not told by any record"
    silent = f", {each.silent} do not tell" if each.silent else ""
    return f"kept in {each.kept}, value {each.value.value:.2f}{silent}"


def _character_lines(found: InCharacter) -> list[str]:
    if not any(rate.trials for rate in (*found.thirds, found.report)):
        return ["in character: no rule of the guideline can be told at a step"]
    curve = ", ".join(
        f"{name} third {rate.share}" for name, rate in zip(THIRDS, found.thirds, strict=True) if rate.trials
    )
    lines = [f"in character: {curve or 'no rule is told on the way'}; report {found.report.share}"]
    if found.fading is not None:
        low, high = found.fading.interval
        lines.append(
            f"  fades by {found.fading.value:+.2f} from first to last third (95% interval {low:+.2f} to {high:+.2f})"
        )
    lasts = "" if found.lasts is None else f"; lasts for {found.lasts.value:.0%} of an episode on average"
    return [*lines, f"  to its end: {found.to_the_end}{lasts}"]
