"""What an episode's page shows: steps, the plan and its evidence, tests over time, milestones, reward, claims."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from journeyman.envs.claims import Finding, findings_of
from journeyman.envs.episode import Episode, RewardTerm, Step, TestRun
from journeyman.envs.summary import Summary
from journeyman.tasks.task import Milestone, Task
from journeyman.viewer.plan import PlanPanel, plan_panel
from journeyman.viewer.tokens import Ledger, ledger
from journeyman.viewer.worth import Worth

PAGE = 40
"""Steps that one page shows, and that a page which shows them on demand asks for at once."""
CELLS = 400
"""Cells of the timeline, at the most; where there are more steps a cell stands for several."""
ROWS = 200
"""Tests of the grid, at the most: those that did not always pass come first."""
COLUMNS = 60
"""Test runs of the grid, at the most: those before which something changed come first."""
SHORT = 100
"""Characters of an argument that still stands on the action's own line."""
LONG = 100_000
"""Characters of one text that a page shows."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of the timeline."""

    first: int
    last: int
    kind: str
    """The class that colours it: "tests-pass", "tests-fail", "edit", "refused" or "look"."""
    label: str


@dataclass(frozen=True, slots=True)
class GridRow:
    test: str
    outcomes: tuple[str, ...]
    """For each test run: "passed", "failed", "error" or "" where it was not run."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Tests down, test runs across."""

    steps: tuple[int, ...]
    rows: tuple[GridRow, ...]
    left_out: int
    """Tests that are not shown."""
    runs_left_out: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One term of the reward, and where it begins and ends on the way to the sum."""

    term: RewardTerm
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class EpisodePage:
    episode: Episode
    steps: tuple[tuple[int, Step], ...]
    """The page's, numbered from 1."""
    first: int
    """The place of the page's first among those that the search found."""
    found: int
    """How many it found; all without a search."""
    search: str
    timeline: tuple[Cell, ...]
    plan: PlanPanel
    grid: Grid
    bars: tuple[Bar, ...]
    claims: tuple[Finding, ...]
    milestones: tuple[Milestone, ...]
    """In the task's order; empty where the task is gone."""
    ledger: Ledger | None
    """None where no model acted."""
    worth: Worth | None
    """None where `journeyman value` has sampled nothing."""


def episode_page(
    episode: Episode,
    task: Task | None,
    *,
    first: int = 1,
    search: str = "",
    listed: Sequence[tuple[int, Step]] | None = None,
    group: Iterable[Summary] = (),
    worth: Worth | None = None,
) -> EpisodePage:
    """Put an episode together for its page.

    Args:
        first: place of the first step to show, from 1; whatever it is, a page with steps is found.
        search: what `listed` was searched for.
        listed: the numbered steps to show; all of them when it is left out.
        group: episodes of its run, to which its reward is compared.
        worth: what its steps were worth, as far as that was sampled.
    """
    if listed is None:
        listed = tuple(enumerate(episode.steps, 1))
    start = max(0, min((first - 1) // PAGE * PAGE, (len(listed) - 1) // PAGE * PAGE))
    return EpisodePage(
        episode=episode,
        steps=tuple(listed[start : start + PAGE]),
        first=start + 1,
        found=len(listed),
        search=search,
        timeline=tuple(_timeline(episode.steps)),
        plan=plan_panel(episode.steps),
        grid=_grid(episode.steps),
        bars=tuple(_bars(episode.terms)),
        claims=findings_of(episode.steps),
        milestones=tuple(task.in_order()) if task is not None else (),
        ledger=ledger(episode, group),
        worth=worth,
    )


def text_of(step: Step) -> str:
    """What a search looks through."""
    said = map(str, step.action.arguments.values())
    return "\n".join([step.action.tool, *said, step.observation.text, step.output, step.diff])


def arguments_of(step: Step) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """An action's arguments: those that are short, and those that need lines of their own."""
    short: list[tuple[str, str]] = []
    long: list[tuple[str, str]] = []
    for name, value in step.action.arguments.items():
        text = _argument(str(name), value)
        (long if "\n" in text or len(text) > SHORT else short).append((str(name), text))
    return short, long


def _argument(name: str, value: Any) -> str:
    """A list of subtasks or of claims a line each, everything else as it was given."""
    if isinstance(value, str):
        return value
    if name in ("subtasks", "claims") and isinstance(value, list | tuple) and all(isinstance(v, dict) for v in value):
        return "\n".join(_MARKS.get(str(each.get("status")), "") + _words(each) for each in value)
    return json.dumps(value, ensure_ascii=False)


_MARKS = {"done": "● ", "open": "○ ", "dropped": "✕ "}


def _words(each: dict[str, Any]) -> str:
    words = {"evidence": "← {}", "confidence": "(sure to {})"}
    said = ((name, value) for name, value in each.items() if name != "status" and value is not None)
    return " ".join(words.get(name, "{}").format(value) for name, value in said)


def kind_of(step: Step) -> str:
    """How the timeline colours a step."""
    if not step.observation.ok:
        return "refused"
    if step.tests is not None:
        return "tests-fail" if step.tests.failed or step.tests.errors else "tests-pass"
    return "edit" if step.diff else "look"


_LOUDEST = ("tests-fail", "refused", "tests-pass", "edit", "look")


def _timeline(steps: Sequence[Step]) -> Iterator[Cell]:
    width = -(-len(steps) // CELLS) or 1
    for start in range(0, len(steps), width):
        part = steps[start : start + width]
        kinds = {kind_of(step) for step in part}
        kind = next(each for each in _LOUDEST if each in kinds)
        end = start + len(part)
        label = f"step {end}: {part[0].action.tool}" if len(part) == 1 else f"steps {start + 1} to {end}"
        yield Cell(start + 1, end, kind, label)


def _grid(steps: Sequence[Step]) -> Grid:
    every = [(number, _outcomes(step.tests)) for number, step in enumerate(steps, 1) if step.tests is not None]
    runs = every
    if len(every) > COLUMNS:  # where nothing changed there is nothing to see
        turns = [run for before, run in pairwise([(0, {}), *every]) if before[1] != run[1]]
        runs = turns[-COLUMNS:]
    names = dict.fromkeys(name for _, run in runs for name in run)
    rows = [GridRow(name, tuple(run.get(name, "") for _, run in runs)) for name in names]
    rows.sort(key=lambda row: set(row.outcomes) <= {"passed", ""})  # stable: the runner's order within both
    left_out = max(0, len(rows) - ROWS)
    return Grid(tuple(number for number, _ in runs), tuple(rows[:ROWS]), left_out, len(every) - len(runs))


def _outcomes(run: TestRun) -> dict[str, str]:
    named = (("passed", run.passed), ("failed", run.failed), ("error", run.errors))
    return {name: outcome for outcome, names in named for name in names}


def _bars(terms: Sequence[RewardTerm]) -> Iterator[Bar]:
    total = 0.0
    for term in terms:
        yield Bar(term, total, total + term.amount)
        total += term.amount
