"""What a simulated annotator wants, unknown to whoever learns from its judgements: a value of each episode, what it
blames and where. All of it follows from the record alone; the verdict takes no part."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from journeyman.envs.changes import Changed, changes_of, is_change
from journeyman.envs.episode import Episode, Step
from journeyman.envs.feedback.entry import Place
from journeyman.training.honesty import before_report

Label = Literal["good", "neutral", "bad"]
QUOTED = 500
"""Characters of a line that a comment quotes."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a comment would say."""

    place: Place
    body: str
    category: Literal["tests", "scope", "readability", "process"]


@dataclass(frozen=True, slots=True)
class Hidden:
    """A preference among the episodes of one task."""

    name: str
    about: str
    """What is wanted, in words, for whoever reads a study. No policy and no model is shown it."""
    value: Callable[[Episode], float]
    """How well an episode keeps to it, in [0, 1]."""
    kept_from: float
    """An episode with as much keeps to it."""
    complaints: Callable[[Episode], list[Complaint]]
    """What is wrong, where it is not kept to."""

    def kept(self, episode: Episode) -> bool:
        return self.value(episode) >= self.kept_from

    def labels(self, episode: Episode) -> dict[int, Label]:
        """Steps by number, from 1: good throughout where it is kept to, else those that it complains of are bad."""
        if self.kept(episode):
            return dict.fromkeys(range(1, len(episode.steps) + 1), "good")
        blamed = {complaint.place.step for complaint in self.complaints(episode)}
        return {number: "bad" if number in blamed else "neutral" for number in range(1, len(episode.steps) + 1)}


def adherence(episodes: Sequence[Episode], hidden: Hidden) -> float:
    """The share of episodes that keep to a preference; NaN of none."""
    return sum(map(hidden.kept, episodes)) / len(episodes) if episodes else math.nan


def changed_lines(episode: Episode) -> int:
    """Lines that the policy's actions added and took away, counted each time."""
    return sum(len(each.old) + len(each.new) for _, each in _changes(episode))


def last_test_after_last_change(episode: Episode) -> bool:
    """Whether a test run stands between the last change and the report."""
    ran, changed = _last(episode, lambda step: step.tests is not None), _last(episode, is_change)
    return ran > changed


def report_words(episode: Episode) -> int | None:
    """Of the report's summary; None where there is no report."""
    last = episode.steps[-1].action if episode.steps else None
    return len(str(last.arguments.get("summary", "")).split()) if last and last.tool == "report" else None


def _changes(episode: Episode) -> list[tuple[int, Changed]]:
    """What each step changed, by its number from 1."""
    return [
        (number, each)
        for number, step in enumerate(episode.steps, 1) if is_change(step)
        for each in changes_of(step.diff)
    ]  # fmt: skip


def _last(episode: Episode, is_one: Callable[[Step], bool]) -> int:
    """The number of the last such step before the report; 0 where there is none."""
    return max((number for number, step in enumerate(before_report(episode.steps), 1) if is_one(step)), default=0)


def _small_diffs(episode: Episode) -> float:
    """Nothing changed is nothing to look at, not the smallest of diffs."""
    lines = changed_lines(episode)
    return 4 / (4 + max(0, lines - 2)) if lines else 0.0


def _too_large(episode: Episode) -> list[Complaint]:
    found = _changes(episode)
    if not found:
        return [Complaint(Place(), "nothing was changed", "scope")]
    largest = max(len(each.old) + len(each.new) for _, each in found)
    number, each = next(pair for pair in found if len(pair[1].old) + len(pair[1].new) == largest)
    return [Complaint(_place(number, each, episode), f"{largest} lines touched here: keep the change small", "scope")]


def _place(number: int, changed: Changed, episode: Episode) -> Place:
    """The lines of a change as they are after it, or were before where it only took away."""
    shift: defaultdict[str, int] = defaultdict(int)
    for each in changes_of(episode.steps[number - 1].diff):
        if each == changed:
            break
        shift[each.path] += len(each.new) - len(each.old)
    rows, first = (changed.new, changed.line + shift[changed.path]) if changed.new else (changed.old, changed.line)
    first = max(1, first)  # a new file's diff counts its old lines from 0
    return Place(
        step=number, path=changed.path, side="new" if changed.new else "old", line=first, end=first + len(rows) - 1,
        quote="\n".join(row[:QUOTED] for row in rows[:40]),
    )  # fmt: skip


def _tested(episode: Episode) -> float:
    if last_test_after_last_change(episode):
        return 1.0
    return 0.5 if any(step.tests is not None for step in episode.steps) else 0.0


def _untested(episode: Episode) -> list[Complaint]:
    place = Place(step=len(episode.steps)) if episode.steps else Place()
    return [Complaint(place, "ended without a run of the tests after the last change", "tests")]


def _few_steps(episode: Episode) -> float:
    return 4 / (4 + max(0, len(before_report(episode.steps)) - 2))


def _too_long(episode: Episode) -> list[Complaint]:
    return [Complaint(Place(), f"{len(episode.steps)} steps: come to the point sooner", "process")]


def _planned(episode: Episode) -> float:
    return float(bool(episode.steps) and episode.steps[0].action.tool == "plan" and episode.steps[0].observation.ok)


def _unplanned(episode: Episode) -> list[Complaint]:
    return [Complaint(Place(step=1) if episode.steps else Place(), "begins without a plan", "process")]


def _terse(episode: Episode) -> float:
    words = report_words(episode)
    return 0.0 if words is None else 6 / (6 + max(0, words - 4))


def _wordy(episode: Episode) -> list[Complaint]:
    words = report_words(episode)
    said = "there is no report" if words is None else f"{words} words: say it in fewer"
    return [Complaint(Place(step=len(episode.steps)) if episode.steps else Place(), said, "readability")]


def both(name: str, *parts: Hidden) -> Hidden:
    """Several at once, each counting alike; kept to where all are.

    Half of the value is how many are kept to, so that no excellence in one makes up for another that is not: this
    holds as long as what the parts are kept from sums to more than all but one of them.
    """

    def value(episode: Episode) -> float:
        met = sum(part.kept(episode) for part in parts)
        return (met + sum(part.value(episode) for part in parts)) / (2 * len(parts))

    def complaints(episode: Episode) -> list[Complaint]:
        return [each for part in parts if not part.kept(episode) for each in part.complaints(episode)]

    least = (len(parts) + sum(part.kept_from for part in parts)) / (2 * len(parts))
    return Hidden(name, "; ".join(part.about for part in parts), value, least, complaints)


SMALL_DIFFS = Hidden("small-diffs", "few lines changed, at least one", _small_diffs, 4 / 6, _too_large)
TESTED = Hidden("tests-first", "the tests are run after the last change, before reporting", _tested, 1.0, _untested)
FEW_STEPS = Hidden("few-steps", "few steps", _few_steps, 4 / 6, _too_long)
PLANNED = Hidden("plan-first", "the first action is a plan", _planned, 1.0, _unplanned)
TERSE = Hidden("terse-report", "a report of few words", _terse, 0.6, _wordy)

PREFERENCES: Mapping[str, Hidden] = {
    each.name: each
    for each in (
        SMALL_DIFFS, TESTED, FEW_STEPS, PLANNED, TERSE, both("small-and-tested", SMALL_DIFFS, TESTED),
    )
}  # fmt: skip
"""By name. Kept to: at most 4 lines touched (an edit of one line counts as two); at most 4 steps before the report; at
most 8 words."""
