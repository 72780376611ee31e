"""Every rule that an item can name, and what they say of an episode together: how well it keeps to a guideline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from journeyman.envs.episode import Episode
from journeyman.envs.guidelines import rules_change, rules_manner, rules_process, rules_report
from journeyman.envs.guidelines.guideline import Guideline, Item, ItemRef
from journeyman.envs.guidelines.rule import Rule, RuleFinding, Seen, silent

RULES: Mapping[str, Rule] = {
    rule.name: rule for rule in (*rules_change.RULES, *rules_process.RULES, *rules_report.RULES, *rules_manner.RULES)
}


@dataclass(frozen=True, slots=True)
class ItemFinding:
    """What is found of one item."""

    item: Item
    ref: ItemRef
    finding: RuleFinding
    """Of an item that a person or a judge decides, `kept` is None."""


@dataclass(frozen=True, slots=True)
class Adherence:
    """How well an episode keeps to a guideline, as far as rules can tell."""

    episode: str
    items: tuple[ItemFinding, ...]

    @property
    def score(self) -> float | None:
        """The values of the items that a rule decided, by weight, in [0, 1]; None where it decided none."""
        told = [(each.item.weight, each.finding.value) for each in self.items if each.finding.value is not None]
        if not told:
            return None
        return min(1.0, math.fsum(w * value for w, value in told) / math.fsum(w for w, _ in told))

    @property
    def broken(self) -> tuple[ItemFinding, ...]:
        """Those of its `must` and `must_not` that are not kept."""
        return tuple(each for each in self.items if each.finding.kept is False and each.item.kind != "should")


def find(name: str, episode: Episode, settings: Mapping[str, Any] | None = None) -> RuleFinding:
    """What one rule says of an episode.

    Raises:
        ValueError: there is no such rule, or the settings are not its own.
    """
    if name not in RULES:
        raise ValueError(f"no rule {name!r}; there are: {', '.join(RULES)}")
    return RULES[name].find(Seen(episode), settings or {})


def adherence(guideline: Guideline, episode: Episode) -> Adherence:
    """What the rules say of an episode, item by item. An item whose rule or settings are wrong is not decided, and
    says so (`lint` tells before)."""
    seen = Seen(episode)
    return Adherence(
        episode.id,
        tuple(ItemFinding(item, ItemRef.of(guideline, item), _decide(item, seen)) for item in guideline.items),
    )


def _decide(item: Item, seen: Seen) -> RuleFinding:
    check = item.check
    if check.by != "rule":
        return silent(f"not decided by rule: a {check.by} says")
    if (rule := RULES.get(check.rule)) is None:
        return silent(f"no rule {check.rule!r}")
    if wrong := rule.wrong_settings(check.settings):
        return silent(f"rule {check.rule}: {wrong}")
    return rule.find(seen, check.settings)
