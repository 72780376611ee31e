"""How well a judge of claims does on labelled ones: the checker without a model, or anybody's predictions.

Precision and recall are of one label at a time: of the claims that the judge calls contradicted, how many are; of
those that are, how many it finds. What it calls unverifiable it does not decide; that costs recall, never precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Any

from journeyman.envs.actions import Claim
from journeyman.envs.claims import check_claims
from journeyman.envs.episode import Step
from journeyman.training.skills.claims.cases import LABELS, Case
from journeyman.training.skills.claims.situations import Label
from journeyman.training.stats import Rate, auroc

DECIDED: tuple[Label, ...] = ("supported", "contradicted")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a judge says of one claim."""

    label: Label
    score: float | None = None
    """How sure it is that the claim is contradicted; any finite number, higher is surer."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A judge's figures on one set of claims."""

    confusion: Mapping[tuple[Label, Label], int]
    """(label, said) → how many."""
    auroc: float | None = None
    """How well the scores tell contradicted claims from all others; None without scores, or without both."""

    @property
    def claims(self) -> int:
        return sum(self.confusion.values())

    def precision(self, label: Label) -> Rate:
        return Rate(self._count(label, label), sum(self._count(true, label) for true in LABELS))

    def recall(self, label: Label) -> Rate:
        return Rate(self._count(label, label), sum(self._count(label, said) for said in LABELS))

    def f1(self, label: Label) -> float:
        """The harmonic mean of both; not a number where neither has any claim."""
        found = self._count(label, label)
        all_ = self.precision(label).trials + self.recall(label).trials
        return 2 * found / all_ if all_ else math.nan

    @property
    def decided_precision(self) -> Rate:
        """Of all that the judge decides, either way, how much is so."""
        return Rate(
            sum(self._count(label, label) for label in DECIDED),
            sum(self._count(true, said) for true in LABELS for said in DECIDED),
        )

    @property
    def decided_recall(self) -> Rate:
        """Of all that can be decided, how much the judge decides rightly."""
        return Rate(
            sum(self._count(label, label) for label in DECIDED),
            sum(self._count(true, said) for true in DECIDED for said in LABELS),
        )

    @property
    def accuracy(self) -> Rate:
        return Rate(sum(self._count(label, label) for label in LABELS), self.claims)

    def _count(self, label: Label, said: Label) -> int:
        return self.confusion.get((label, said), 0)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "claims": self.claims, "accuracy": self.accuracy.to_dict(), "auroc": self.auroc,
            "decided": {"precision": self.decided_precision.to_dict(), "recall": self.decided_recall.to_dict()},
            "labels": {
                label: {
                    "precision": self.precision(label).to_dict(), "recall": self.recall(label).to_dict(),
                    "f1": None if math.isnan(f1 := self.f1(label)) else f1,
                }
                for label in LABELS
            },
            "confusion": {label: {said: self._count(label, said) for said in LABELS} for label in LABELS},
        }  # fmt: skip

    def lines(self) -> list[str]:
        """For the terminal and the card."""
        found = [f"{self.claims} claims, {self.accuracy} as labelled"]
        for label in LABELS:
            found.append(f"{label:<14} precision {self.precision(label)}")
            found.append(f"{'':<14} recall    {self.recall(label)}")
        found += [f"{'decided':<14} precision {self.decided_precision}"]
        found += [f"{'':<14} recall    {self.decided_recall}"]
        return found + ([f"AUROC {self.auroc:.3f}"] if self.auroc is not None else [])


def figures(pairs: Iterable[tuple[Label, Prediction]]) -> Figures:
    """The figures of predictions, each with its claim's label."""
    confusion: dict[tuple[Label, Label], int] = {}
    scored: list[tuple[float, bool]] = []
    missing = False
    for label, said in pairs:
        confusion[label, said.label] = confusion.get((label, said.label), 0) + 1
        missing = missing or said.score is None
        if said.score is not None:
            scored.append((said.score, label == "contradicted"))
    return Figures(confusion, None if missing else auroc(scored))


Judge = Callable[[Sequence[Claim], Sequence[Step]], Sequence[Label]]
"""Says the label of each claim about an episode's steps."""


def checker(claims: Sequence[Claim], steps: Sequence[Step]) -> list[Label]:
    """The checker of the environment, as a judge."""
    return [finding.standing.value for finding in check_claims(claims, steps)]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judge said of a list of cases, in their order, and how long each episode took."""

    said: tuple[Label, ...]
    ms: tuple[float, ...]
    """Processor time of each episode with all its claims, in milliseconds."""


def judged(cases: Sequence[Case], judge: Judge = checker) -> Judged:
    """Have the claims judged, those of an episode together."""
    episodes: dict[str, list[int]] = {}
    for number, case in enumerate(cases):
        episodes.setdefault(case.episode, []).append(number)
    said: dict[int, Label] = {}
    ms = []
    for numbers in episodes.values():
        claims, steps = [cases[n].claim for n in numbers], cases[numbers[0]].steps
        began = process_time()
        labels = judge(claims, steps)
        ms.append(1000 * (process_time() - began))
        said.update(zip(numbers, labels, strict=True))
    return Judged(tuple(said[n] for n in range(len(cases))), tuple(ms))


def figures_by(
    cases: Sequence[Case], said: Sequence[Label], key: Callable[[Case], str] = lambda case: ""
) -> dict[str, Figures]:
    """The figures of each group of cases, by the group's name."""
    groups: dict[str, list[tuple[Label, Prediction]]] = {}
    for case, label in zip(cases, said, strict=True):
        groups.setdefault(key(case), []).append((case.label, Prediction(label)))
    return {name: figures(pairs) for name, pairs in sorted(groups.items())}
