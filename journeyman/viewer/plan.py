"""What an episode's page shows of its plan: each subtask's life through the plans, its evidence, the work on it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from journeyman.envs.episode import Step
from journeyman.envs.plans import Closing, PlanStory, story_of

SUBTASKS = 200
"""Of the plan, at the most."""
WORK = 30
"""Steps that the plan shows for a subtask, at the most."""
MARKS = {"done": "●", "open": "○", "dropped": "✕"}


@dataclass(frozen=True, slots=True)
class Subtask:
    """One line of the plan, as it came to be."""

    title: str
    """As it was called last."""
    before: tuple[str, ...]
    """What it was called earlier."""
    status: str
    opened: int
    """The step that wrote it down first."""
    closed: int | None
    """The step that called it done, if it is."""
    dropped: int | None
    reopened: int
    evidence: str | None
    confidence: float | None
    closings: tuple[Closing, ...]
    """Each time it was called done, with what the record says."""
    work: tuple[tuple[int, str], ...]
    """Test runs and edits that fall to it: (step, in words)."""
    more: int
    """How many of them are left out."""


@dataclass(frozen=True, slots=True)
class PlanPanel:
    """All subtasks that were ever planned, in the order in which they came."""

    subtasks: tuple[Subtask, ...]
    plans: int
    """How often a plan was written."""
    left_out: int

    def __bool__(self) -> bool:
        return bool(self.subtasks)

    def numbers(self) -> Mapping[str, int]:
        """Title → the subtask's place, also by what it was called earlier; whoever bears a title last has it."""
        earlier = {title: number for number, each in enumerate(self.subtasks) for title in each.before}
        return earlier | {each.title: number for number, each in reversed(list(enumerate(self.subtasks)))}


def plan_panel(steps: Sequence[Step]) -> PlanPanel:
    """The plan with the work on each of its subtasks."""
    story = story_of(steps)
    told = [(number, words) for number, step in enumerate(steps, 1) if (words := _work(step))] if story else []
    shown = tuple(_subtasks(story, told))
    return PlanPanel(shown, len(story.revisions), len(story.parts) - len(shown) + story.not_followed)


def _subtasks(story: PlanStory, told: list[tuple[int, str]]) -> list[Subtask]:
    places = [number for number, _ in told]
    shown = []
    for part in story.parts[:SUBTASKS]:
        spans = [closing.work for closing in part.closings if closing.work is not None]
        work = [each for first, last in spans for each in told[bisect_left(places, first) : bisect_right(places, last)]]
        shown.append(
            Subtask(
                part.title, tuple(part.titles[:-1]), part.status, part.opened_at, part.closed_at, part.dropped_at,
                part.reopened, part.evidence, part.confidence, tuple(part.closings), tuple(work[:WORK]),
                max(0, len(work) - WORK),
            )
        )  # fmt: skip
    return shown


def _work(step: Step) -> str:
    """What a step shows of the work that was done, in words; empty for one that shows nothing."""
    if step.tests is not None:
        return f"{len(step.tests.passed)} passed, {len(step.tests.failed) + len(step.tests.errors)} failed"
    if step.diff:
        return f"{step.action.tool} {step.action.arguments.get('path', '')}".strip()
    return ""
