"""What an episode's page shows: steps, the plan and its evidence, tests over time, milestones, reward, claims."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from journeyman.envs.claims import Finding, findings_of
from journeyman.envs.episode import Episode, RewardTerm, Step, TestRun
from journeyman.tasks.task import Milestone, Task

PAGE = 100
"""Steps that one page shows."""
CELLS = 400
"""Cells of the timeline, at the most; where there are more steps a cell stands for several."""
ROWS = 200
"""Tests of the grid, at the most: those that did not always pass come first."""
SHORT = 100
"""Characters of an argument that still stands on the action's own line."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of the timeline."""

    first: int
    last: int
    kind: str
    """The class that colours it: "tests-pass", "tests-fail", "edit", "refused" or "look"."""
    label: str


@dataclass(frozen=True, slots=True)
class Subtask:
    """One line of the plan, as it came to be."""

    title: str
    status: str
    opened: int
    """The step that wrote it down first."""
    closed: int | None
    """The step that first called it done."""
    evidence: tuple[int, ...]
    """Test runs and edits between the two."""


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
    first: int
    hits: tuple[int, ...] | None
    """Steps in which the text that was searched for stands; None without a search."""
    search: str
    timeline: tuple[Cell, ...]
    plan: tuple[Subtask, ...]
    grid: Grid
    bars: tuple[Bar, ...]
    claims: tuple[Finding, ...]
    milestones: tuple[Milestone, ...]
    """In the task's order; empty where the task is gone."""


def episode_page(episode: Episode, task: Task | None, *, first: int = 1, search: str = "") -> EpisodePage:
    """Put an episode together for its page.

    Args:
        first: number of the first step to show, from 1; whatever it is, a page with steps is found.
        search: shows only steps in which this text stands, upper and lower case alike.
    """
    numbered = list(enumerate(episode.steps, 1))
    hits = None
    if search:
        numbered = [(number, step) for number, step in numbered if search.casefold() in _text(step).casefold()]
        hits = tuple(number for number, _ in numbered)
    start = max(0, min((first - 1) // PAGE * PAGE, (len(numbered) - 1) // PAGE * PAGE))
    return EpisodePage(
        episode=episode,
        steps=tuple(numbered[start : start + PAGE]),
        first=start + 1,
        hits=hits,
        search=search,
        timeline=tuple(_timeline(episode.steps)),
        plan=_plan(episode.steps),
        grid=_grid(episode.steps),
        bars=tuple(_bars(episode.terms)),
        claims=findings_of(episode.steps),
        milestones=tuple(task.in_order()) if task is not None else (),
    )


def arguments_of(step: Step) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """An action's arguments: those that are short, and those that need lines of their own."""
    short: list[tuple[str, str]] = []
    long: list[tuple[str, str]] = []
    for name, value in step.action.arguments.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        (long if "\n" in text or len(text) > SHORT else short).append((str(name), text))
    return short, long


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


def _plan(steps: Sequence[Step]) -> tuple[Subtask, ...]:
    opened: dict[str, int] = {}
    closed: dict[str, int] = {}
    last: dict[str, str] = {}
    for number, step in enumerate(steps, 1):
        if step.action.tool != "plan" or not step.observation.ok:
            continue
        last = {}
        for subtask in step.action.parsed().subtasks:
            opened.setdefault(subtask.title, number)
            last[subtask.title] = subtask.status
            if subtask.status == "done":
                closed.setdefault(subtask.title, number)
    told = [number for number, step in enumerate(steps, 1) if step.tests is not None or step.diff]
    return tuple(
        Subtask(
            title,
            last.get(title, "dropped"),
            begin,
            closed.get(title),
            tuple(number for number in told if begin < number <= closed.get(title, 0)),
        )
        for title, begin in opened.items()
    )


def _grid(steps: Sequence[Step]) -> Grid:
    runs = [(number, _outcomes(step.tests)) for number, step in enumerate(steps, 1) if step.tests is not None]
    names = dict.fromkeys(name for _, run in runs for name in run)
    rows = [GridRow(name, tuple(run.get(name, "") for _, run in runs)) for name in names]
    rows.sort(key=lambda row: set(row.outcomes) <= {"passed", ""})  # stable: the runner's order within both
    return Grid(tuple(number for number, _ in runs), tuple(rows[:ROWS]), max(0, len(rows) - ROWS))


def _outcomes(run: TestRun) -> dict[str, str]:
    named = (("passed", run.passed), ("failed", run.failed), ("error", run.errors))
    return {name: outcome for outcome, names in named for name in names}


def _bars(terms: Sequence[RewardTerm]) -> Iterator[Bar]:
    total = 0.0
    for term in terms:
        yield Bar(term, total, total + term.amount)
        total += term.amount


def _text(step: Step) -> str:
    return "\n".join([step.action.tool, *map(str, step.action.arguments.values()), step.observation.text, step.diff])
