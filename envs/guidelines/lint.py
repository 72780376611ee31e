"""What is doubtful in a guideline: errors, by which it cannot be judged, and warnings, by which it is judged badly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from journeyman.envs.guidelines.guideline import Guideline, Item
from journeyman.envs.guidelines.prompt import prompt_text
from journeyman.envs.guidelines.rules import RULES

PROMPT_CHARS = 2_000
"""About 500 tokens: as many as a small model has for a whole episode."""
VAGUE = re.compile(
    r"\b(?:appropriate(?:ly)?|proper(?:ly)?|reasonabl[ey]|adequate(?:ly)?|sensibl[ey]|nice(?:ly)?|good|clean|robust"
    r"|best practices?|as needed|if necessary|where possible|etc)\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(r"\b(?:not|never|no|without|none|nothing|avoid)\b|n't\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that is doubtful."""

    level: Literal["error", "warning"]
    item: str
    """Its id; empty for the guideline as a whole."""
    text: str

    def __str__(self) -> str:
        return f"{self.level}: {self.item + ': ' if self.item else ''}{self.text}"


def lint(guideline: Guideline) -> tuple[Doubt, ...]:
    """All that is doubtful, errors first."""
    found = [doubt for item in guideline.items for doubt in _of_item(item)]
    found += [*_twins(guideline), *_contradictions(guideline)]
    if (length := len(prompt_text(guideline))) > PROMPT_CHARS:
        said = f"{length} characters are long for a prompt (more than {PROMPT_CHARS}); split it or say less"
        found.append(Doubt("warning", "", said))
    if len(guideline.brief.strip()) > length:
        found.append(Doubt("warning", "", "the short form is longer than the items"))
    return tuple(sorted(found, key=lambda doubt: doubt.level))


def _of_item(item: Item) -> Iterator[Doubt]:
    check = item.check
    if check.by == "rule" and check.rule not in RULES:
        yield Doubt("error", item.id, f"no rule {check.rule!r}; there are: {', '.join(RULES)}")
    elif check.by == "rule" and (wrong := RULES[check.rule].wrong_settings(check.settings)):
        yield Doubt("error", item.id, f"settings of rule {check.rule}: {wrong}")
    elif check.by == "rule" and check.rule == "small-change" and not check.settings:
        yield Doubt("error", item.id, "rule small-change without `files` or `lines` is always kept")
    if check.by != "rule" and check.settings:
        yield Doubt("error", item.id, f"settings are a rule's; a {check.by} reads none")
    if check.by != "judge" and check.question:
        yield Doubt("warning", item.id, f"`question` is for a judge; a {check.by} is not asked it")
    if same := {_plain(each) for each in item.good} & {_plain(each) for each in item.bad}:
        yield Doubt("error", item.id, f"the same example is good and bad: {min(same)}")
    for kind in ("good", "bad"):
        if not getattr(item, kind):
            yield Doubt("warning", item.id, f"no {kind} example: two people will read it in two ways")
    if vague := VAGUE.search(item.text):
        yield Doubt("warning", item.id, f"{vague.group()!r} says not what is wanted")
    if item.kind == "must_not" and not _NEGATION.search(item.text):
        yield Doubt("warning", item.id, "the policy reads the text alone: say in it what is not to be done")


def _twins(guideline: Guideline) -> Iterator[Doubt]:
    known: dict[str, Item] = {}
    for item in guideline.items:
        if (first := known.setdefault(_plain(item.text), item)) is not item:
            yield Doubt("error", item.id, f"has the text of {first.id}")


def _contradictions(guideline: Guideline) -> Iterator[Doubt]:
    """Items that no episode can all keep to, and those that count the same thing twice."""
    by_rule = [item for item in guideline.items if item.check.by == "rule"]
    for n, item in enumerate(by_rule):
        for other in by_rule[:n]:
            if (item.check.rule, item.check.settings) != (other.check.rule, other.check.settings):
                continue
            kinds = {item.kind, other.kind}
            if "must_not" in kinds and len(kinds) == 2:
                said = f"is {item.kind} and {other.id} is {other.kind} by the same rule, which says alike of both"
                yield Doubt("error", item.id, f"{said}: a rule says whether an item is kept, whatever its kind")
            else:
                yield Doubt("warning", item.id, f"counts the same as {other.id}: the rule and its settings are alike")
    for fewest, longest in (("terse-report", "explaining-report"), ("few-asides", "says-before-changes")):
        most, least = _bounds(by_rule, fewest, "most"), _bounds(by_rule, longest, "least")
        if most and least and min(most)[0] < max(least)[0]:
            (few, terse), (many, long) = min(most), max(least)
            yield Doubt("error", terse, f"at most {few} words, where {long} asks for at least {many}")


def _bounds(items: list[Item], rule: str, setting: str) -> list[tuple[int, str]]:
    """What items set for a rule, with their ids; nothing of those whose settings are wrong."""
    found = []
    for item in items:
        if item.check.rule == rule and not RULES[rule].wrong_settings(item.check.settings):
            settings: Any = RULES[rule].settings.model_validate(dict(item.check.settings))
            found.append((getattr(settings, setting), item.id))
    return found


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
