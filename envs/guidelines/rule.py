"""What a rule is: it looks at the record of an episode, and says whether an item is kept, with what shows it.

No model decides, and nothing outside of the record: the same episode is always judged alike. A rule never fails on
what an episode holds, and where the record does not tell, it says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from journeyman.envs.actions import Report
from journeyman.envs.changes import ChangedFile, files_of, is_change
from journeyman.envs.claims import report_of
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.guidelines.net import NetFile, net_changes

SHOWN = 3
"""Places that the evidence names; more are counted."""


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What a rule found."""

    kept: bool | None
    """None: the record does not tell."""
    evidence: str
    """In words, with its steps (from 1)."""
    value: float | None = None
    """How well it is kept, in [0, 1]: 1 where it is kept; None where the record does not tell."""
    steps: tuple[int, ...] = ()
    """From 1: where it was not kept, or what shows that it was."""


class RuleSettings(BaseModel):
    """What a rule is told by the item; none by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Seen:
    """An episode with what several rules read off it, each worked out once."""

    def __init__(self, episode: Episode) -> None:
        self.episode = episode
        self.steps = episode.steps

    @cached_property
    def diffs(self) -> tuple[tuple[ChangedFile, ...], ...]:
        """What each step changed, file by file."""
        return tuple(files_of(step.diff) for step in self.steps)

    @cached_property
    def files(self) -> tuple[NetFile, ...]:
        """Those that are not as they were."""
        return net_changes(self.steps, self.diffs)

    @cached_property
    def changing(self) -> tuple[int, ...]:
        """The steps (from 1) that changed files."""
        return tuple(n for n, step in enumerate(self.steps, 1) if is_change(step))

    @cached_property
    def report(self) -> Report | None:
        """The one that ended the episode, as far as it can be read."""
        return report_of(self.steps) if self.episode.stop is StopReason.REPORTED else None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by its name."""

    name: str
    about: str
    """What it asks, in a line."""
    settings: type[RuleSettings]
    decide: Callable[[Seen, Any], RuleFinding]
    told_at: Callable[[Seen], Sequence[int]] | None = None
    """The steps (from 1) at which it can be told whether it is kept there: it is, unless the finding names the step.
    None: it is told of an episode as a whole."""

    def find(self, seen: Seen, settings: Mapping[str, Any]) -> RuleFinding:
        """Judge an episode.

        Raises:
            ValueError: the settings are none of its own; `wrong_settings` says why.
        """
        return self.decide(seen, self.settings.model_validate(dict(settings)))

    def wrong_settings(self, settings: Mapping[str, Any]) -> str:
        """What is wrong with them; empty where nothing is."""
        try:
            self.settings.model_validate(dict(settings))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or self.name}: {e['msg']}" for e in error.errors())
            known = ", ".join(self.settings.model_fields) or "none"
            return f"{wrong} (settings are: {known})"
        return ""


def rule(
    name: str,
    settings: type[RuleSettings] = RuleSettings,
    *,
    at: Callable[[Seen], Sequence[int]] | None = None,
) -> Callable[[Callable[[Seen, Any], RuleFinding]], Rule]:
    """Make a function a rule; the first line of its docstring says what it asks.

    Args:
        at: see `Rule.told_at`.
    """

    def made(decide: Callable[[Seen, Any], RuleFinding]) -> Rule:
        return Rule(name, (decide.__doc__ or "").strip().split("\n")[0], settings, decide, at)

    return made


def every_step(seen: Seen) -> Sequence[int]:
    return range(1, len(seen.steps) + 1)


def changes(seen: Seen) -> Sequence[int]:
    return seen.changing


def first_change(seen: Seen) -> Sequence[int]:
    return seen.changing[:1]


def the_report(seen: Seen) -> Sequence[int]:
    """The last step, where it reports."""
    return (len(seen.steps),) if seen.report is not None else ()


def calls_of(tool: str) -> Callable[[Seen], Sequence[int]]:
    """The steps that call a tool."""
    return lambda seen: [n for n, step in enumerate(seen.steps, 1) if step.action.tool == tool]


def silent(why: str) -> RuleFinding:
    """The record does not tell."""
    return RuleFinding(None, why)


def kept(evidence: str, *steps: int) -> RuleFinding:
    return RuleFinding(True, evidence, 1.0, steps)


def counted(places: Iterable[tuple[int, str]], fine: str) -> RuleFinding:
    """Kept where there is no place (step, in words) of the kind; each one more halves, thirds, … the value."""
    found = list(places)
    if not found:
        return kept(fine)
    said = "; ".join(dict.fromkeys(f"step {step}: {what}" for step, what in found[:SHOWN]))
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return RuleFinding(False, said + more, 1 / (1 + len(found)), tuple(sorted({step for step, _ in found})))


def share(of: Mapping[str, int], broken: str, fine: str) -> RuleFinding:
    """As `counted` for things that are each kept or not: the value is the share that is kept.

    Args:
        of: each thing, and the step (from 1) that did not keep to it; 0 where it was kept.
        broken: what is said of the others, before their names.
    """
    bad = {name: step for name, step in of.items() if step}
    if not bad:
        return kept(fine)
    names = ", ".join(list(bad)[:SHOWN]) + (f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else "")
    steps = tuple(sorted(set(bad.values())))
    return RuleFinding(False, f"{broken} {names} (step {steps[0]})", 1 - len(bad) / len(of), steps)
