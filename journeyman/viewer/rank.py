"""Two to four episodes of one task beside each other, to be put in an order: what each did and says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from journeyman.envs.claims import Finding, findings_of
from journeyman.envs.episode import Episode, Step, TestRun
from journeyman.viewer.plan import PlanPanel, plan_panel

MOST = 4
"""Episodes beside each other, at the most."""
MAX_STEPS = 200
"""Of each; the episode's own page shows the others."""


@dataclass(frozen=True, slots=True)
class Column:
    episode: Episode
    steps: tuple[tuple[int, Step], ...]
    left_out: int
    plan: PlanPanel
    claims: tuple[Finding, ...]
    report: str
    """What it says at its end."""
    tests: TestRun | None
    """Its last run of them."""
    after: int
    """Steps that changed files after that run."""


@dataclass(frozen=True, slots=True)
class RankPage:
    task: str
    asked: str
    columns: tuple[Column, ...]


def rank_page(episodes: Sequence[Episode]) -> RankPage:
    """Put episodes of one task together."""
    first = episodes[0]
    return RankPage(first.task, first.first.text, tuple(map(_column, episodes)))


def _column(episode: Episode) -> Column:
    numbered = tuple(enumerate(episode.steps, 1))
    ran = [number for number, step in numbered if step.tests is not None]
    report = episode.steps[-1].action if episode.steps and episode.steps[-1].action.tool == "report" else None
    return Column(
        episode=episode,
        steps=numbered[:MAX_STEPS],
        left_out=max(0, len(numbered) - MAX_STEPS),
        plan=plan_panel(episode.steps),
        claims=findings_of(episode.steps),
        report=str(report.arguments.get("summary", "")) if report else "",
        tests=episode.steps[ran[-1] - 1].tests if ran else None,
        after=sum(bool(step.diff) for number, step in numbered if ran and number > ran[-1]),
    )
