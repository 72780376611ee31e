"""What people and judge models said of a guideline's items, and how far a judge is to be believed.

A judge model is asked of the items that rules decide too. What it says of those can be held against the rules, and that
figure stands beside whatever else it says; without it, its answers are counted and not shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from journeyman.envs.feedback.entry import Critique, Entry, Score
from journeyman.envs.feedback.references import moment, spoken
from journeyman.envs.feedback.standing import Judged, Mark
from journeyman.envs.guidelines.guideline import Guideline
from journeyman.envs.guidelines.rule import RuleFinding
from journeyman.training.repeats import by_task
from journeyman.training.stats import Rate, auroc

JUDGE = "judge."
"""How the name of a judge model begins, as an annotator."""
ENOUGH = 10
"""So many answers on rule items, of either kind together, before a judge's word is shown."""
_GOOD = {"praise": 1.0, "note": None, "minor": 0.0, "major": 0.0, "blocking": 0.0}


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody said of an item in an episode."""

    episode: str
    task: str
    by: str
    value: float
    """In [0, 1]."""
    simulated: bool = False
    model: bool = False
    """Whether a judge model says it."""

    @property
    def kept(self) -> bool:
        return self.value >= 0.5


@dataclass(frozen=True, slots=True)
class Heard:
    """All that was said of one item."""

    people: tuple[Opinion, ...] = ()
    judges: tuple[Opinion, ...] = ()
    """Of models."""
    programs: tuple[Opinion, ...] = ()
    """Of programs that stand in for people, a guideline's rules that commented while an episode ran among them."""

    def __bool__(self) -> bool:
        return bool(self.people or self.judges or self.programs)

    def of(self, judge: str) -> Rate:
        return _kept(each for each in self.judges if each.by == judge)

    def to_dict(self) -> dict[str, Any]:
        return {
            "people": _kept(self.people).to_dict() | {"annotators": _names(self.people)},
            "judges": {name: self.of(name).to_dict() for name in _names(self.judges)},
            "simulated": _kept(self.programs).to_dict() | {"annotators": _names(self.programs)},
        }

    def lines(self, trusted: Sequence[Trust]) -> list[str]:
        found = []
        for who, opinions in (("people say", self.people), ("simulated annotators say", self.programs)):
            if opinions:
                names = _names(opinions)
                by = f"{len(names)} annotator{'s' * (len(names) != 1)}"
                found.append(f"{who} it is kept in {_kept(opinions)}, {by}")
        known = {each.judge: each for each in trusted}
        for name in _names(self.judges):
            trust, count = known.get(name), self.of(name).trials
            if trust is None or not trust.enough:
                found.append(f"{name} (a model) said something of {count}; not shown, for rules tell too little of it")
            else:
                found.append(f"{name} (a model) says it is kept in {self.of(name)}; {trust.short}")
        return found


NOBODY = Heard()


@dataclass(frozen=True, slots=True)
class Trust:
    """A judge's answers on items that rules decide, held against the rules."""

    judge: str
    agrees: Rate
    """Of its answers there, those that say what the rule says."""
    auroc: float | None
    """Probability that it gives a kept item a higher value than a broken one, ties half; None where the rules found
    only one of the two."""
    kept: Rate
    """Of its answers there, those whose item is kept: who always says yes agrees as often."""

    @property
    def enough(self) -> bool:
        return self.agrees.trials >= ENOUGH

    @property
    def short(self) -> str:
        auroc = "no AUROC: all kept or all broken" if self.auroc is None else f"AUROC {self.auroc:.2f}"
        return f"on rule items it agrees with the rule in {self.agrees.value:.0%} of {self.agrees.trials} ({auroc})"

    def to_dict(self) -> dict[str, Any]:
        return {"judge": self.judge, "agrees": self.agrees.to_dict(), "auroc": self.auroc, "kept": self.kept.to_dict(),
                "enough": self.enough}  # fmt: skip

    def lines(self) -> list[str]:
        enough = "" if self.enough else f"; fewer than {ENOUGH} answers, so that its word is not shown"
        auroc = "none (rules found items of one kind only)" if self.auroc is None else f"{self.auroc:.2f}"
        always = f"always saying yes would agree in {self.kept.value:.0%}" if self.kept.trials else ""
        return [f"{self.judge} against the rules: agrees in {self.agrees}, AUROC {auroc}; {always}{enough}"]


def heard_of(said: Iterable[Judged], guideline: Guideline, tasks: Mapping[str, str]) -> dict[str, Heard]:
    """By item id. One voice of an annotator for each episode and item: the last one that stands. A draft that somebody
    accepted is theirs; what a judge drafted is the judge's word besides, unless it was rejected.

    Args:
        said: all of it, for the answers to drafts are no judgements by an item.
        tasks: of the episodes that are looked at; what is said of others is left out.
    """
    said = list(said)
    told = [each.entry for each in said if each.stands]
    models = [each.entry for each in said if is_judge(each.entry) and set(each.marks) <= {Mark.DRAFT}]
    voices = [(by, entry, False) for by, entry in spoken(told)]
    voices += [(entry, entry, True) for entry in sorted(models, key=moment)]
    digests = {item.id: item.digest for item in guideline.items}
    last: dict[tuple[str, str, str, bool, bool], Opinion] = {}
    for by, entry, model in voices:
        if not isinstance(entry, Score | Critique) or entry.item is None or entry.episode not in tasks:
            continue
        item = entry.item
        value = entry.value if isinstance(entry, Score) else _GOOD[entry.severity]
        if item.guideline != guideline.name or digests.get(item.item) != item.digest or value is None:
            continue
        opinion = Opinion(entry.episode, tasks[entry.episode], by.annotator, value, by.simulated, model)
        last[item.item, entry.episode, by.annotator, by.simulated, model] = opinion
    found: dict[str, list[Opinion]] = defaultdict(list)
    for (item_id, *_), answer in last.items():
        found[item_id].append(answer)
    return {
        item_id: Heard(
            people=tuple(each for each in answers if not (each.model or each.simulated)),
            judges=tuple(each for each in answers if each.model),
            programs=tuple(each for each in answers if each.simulated and not each.model),
        )
        for item_id, answers in found.items()
    }


def is_judge(entry: Entry) -> bool:
    """A model's word: a draft, as whatever a model says is, of an annotator that is called a judge."""
    return entry.draft and entry.annotator.startswith(JUDGE)


def trust_of(
    voices: Mapping[str, Heard], rules: Mapping[tuple[str, str], RuleFinding], tasks: Mapping[str, str]
) -> tuple[Trust, ...]:
    """Each judge that was heard, against the rules.

    Args:
        rules: by (episode, item) what the rule found.
    """
    pairs: dict[str, list[tuple[str, float, bool]]] = defaultdict(list)
    for item_id, heard in voices.items():
        for each in heard.judges:
            own = pairs[each.by]
            finding = rules.get((each.episode, item_id))
            if finding is not None and finding.kept is not None:
                own.append((tasks[each.episode], each.value, finding.kept))
    return tuple(
        Trust(
            judge, by_task((task, (value >= 0.5) == kept, 1) for task, value, kept in own),
            auroc([(value, kept) for _, value, kept in own]),
            by_task((task, kept, 1) for task, _, kept in own),
        )
        for judge, own in sorted(pairs.items())
    )  # fmt: skip


def _kept(answers: Iterable[Opinion]) -> Rate:
    return by_task((each.task, each.kept, 1) for each in answers)


def _names(answers: Iterable[Opinion]) -> list[str]:
    return sorted({each.by for each in answers})
