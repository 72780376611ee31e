"""How well policies plan: whether they do, close what they opened, with evidence that holds, in order, and know how far
they are.

All of it is told from the records and the verdicts, and none of it is paid: reward comes from checks alone. A plan's
subtasks are followed through its revisions (envs/plans.py), and matched with the task's milestones by name
(training/skills/plan_milestones.py).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from journeyman.envs.claims import Standing
from journeyman.envs.episode import Episode
from journeyman.envs.plans import Closing, Part, PlanStory, story_of
from journeyman.tasks.task import Milestone, Task
from journeyman.training.repeats import Estimate, by_task, mean_by_task
from journeyman.training.skills.plan_measures import Calibration, Call, calibration_of, tau_b
from journeyman.training.skills.plan_milestones import milestones_of, needs
from journeyman.training.stats import Rate


@dataclass(frozen=True, slots=True)
class Planning:
    """What the plans of several episodes show. Rates have 95% intervals that take tasks as clusters."""

    planned: Rate
    """Of all episodes, those with a plan. What follows is of these."""
    settled: Rate
    """Of the subtasks ever opened, those that are done or dropped in the end."""
    done: Rate
    """Of the subtasks ever opened, those called done in the end."""
    with_evidence: Rate
    """Of all closings (a subtask may be opened again and closed twice), those that name evidence."""
    supported: Rate
    """Of the closings with evidence, those that the record before them supports."""
    contradicted: Rate
    """Of the closings with evidence, those that the record before them contradicts: false closures."""
    order: Estimate | None
    """Kendall's tau-b of the order in which subtasks were opened and that in which they were closed, −1 to 1; the mean
    over the episodes that closed some one after the other, None without any."""
    violations: Rate
    """Of the pairs of milestones that a plan names, closes the later of, and of which one builds on the other: those
    closed before what they build on."""
    by_verdict: Calibration
    """Of the subtasks that are milestones: whether the grader found them closed."""
    by_record: Calibration
    """Of the other subtasks that were called done with evidence: whether the record supports that. Where it shows
    neither, nobody knows."""
    granularity: float | None
    """Subtasks for each milestone of the task, the mean over episodes; None without milestones."""
    revised: Rate
    """Of the episodes with a plan, those that later changed more of it than what is done."""
    revisions: float | None
    """Plans after the first, the mean over episodes with a plan; None without any."""
    resolved_with: Rate
    """Of the scored episodes with a plan, those resolved. Who plans may differ otherwise too: this is no effect."""
    resolved_without: Rate

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value.to_dict() if hasattr(value, "to_dict") else value for name, value in values.items()}

    def lines(self) -> list[str]:
        """For the terminal."""
        told = [f"episodes with a plan       {self.planned}"]
        if self.planned.successes:
            told += [
                f"subtasks done or dropped   {self.settled}",
                f"closings with evidence     {self.with_evidence}",
                f"  the record supports      {self.supported}",
                f"  the record contradicts   {self.contradicted}",
                f"order kept, tau-b          {_told(self.order)}",
                f"milestones out of order    {self.violations}",
                f"called done, and closed    {self.by_verdict.called}",
                f"closed, and called done    {self.by_verdict.noticed}",
                f"Brier score                {_told(self.by_verdict.brier)}",
                f"plans that changed         {self.revised}",
            ]
        told += [
            f"resolved with a plan       {self.resolved_with}",
            f"resolved without           {self.resolved_without}",
        ]
        return told


def planning_of(episodes: Iterable[Episode], tasks: Mapping[str, Task]) -> Planning:
    """What the plans of these episodes show.

    Args:
        tasks: by name; of an episode whose task is not there, no milestones are known.
    """
    seen = [_Seen(episode, tasks.get(episode.task)) for episode in episodes]
    planned = [each for each in seen if each.story]
    closings = [(each.task, closing) for each in planned for part in each.story.parts for closing in part.closings]
    evident = [(task, closing) for task, closing in closings if closing.evidence is not None]
    return Planning(
        planned=by_task((each.task, bool(each.story), 1) for each in seen),
        settled=by_task((each.task, part.status != "open", 1) for each in planned for part in each.story.parts),
        done=by_task((each.task, part.status == "done", 1) for each in planned for part in each.story.parts),
        with_evidence=by_task((task, closing.evidence is not None, 1) for task, closing in closings),
        supported=_share(evident, Standing.SUPPORTED),
        contradicted=_share(evident, Standing.CONTRADICTED),
        order=mean_by_task([(e.task, tau) for e in planned if (tau := order_kept(e.story)) is not None], low=-1.0),
        violations=by_task((each.task, *each.violations()) for each in planned),
        by_verdict=calibration_of([call for each in planned for call in each.calls_by_verdict()]),
        by_record=calibration_of([call for each in planned for call in each.calls_by_record()]),
        granularity=_mean([len(each.story.parts) / len(each.milestones) for each in planned if each.milestones]),
        revised=by_task((each.task, is_revised(each.story), 1) for each in planned),
        revisions=_mean([len(each.story.revisions) - 1 for each in planned]),
        resolved_with=_resolved(each for each in seen if each.story),
        resolved_without=_resolved(each for each in seen if not each.story),
    )


def order_kept(story: PlanStory) -> float | None:
    """Kendall's tau-b of the order of opening and of closing; None where fewer than two were closed, or all at once."""
    closed = [(number, at) for number, part in enumerate(story.parts) if (at := part.closed_at) is not None]
    return tau_b([number for number, _ in closed], [at for _, at in closed])


def is_revised(story: PlanStory) -> bool:
    """Whether a later plan opened, dropped, reopened or reworded a subtask."""
    return any(each.opened or each.dropped or each.reopened or each.reworded for each in story.revisions[1:])


class _Seen:
    """One episode with what its plan is about."""

    def __init__(self, episode: Episode, task: Task | None) -> None:
        self.episode, self.task = episode, episode.task
        self.story = story_of(episode.steps)
        self.milestones: Sequence[Milestone] = list(task.in_order()) if task is not None else []
        self.named = milestones_of([part.titles for part in self.story.parts], self.milestones)

    def violations(self) -> tuple[int, int]:
        """Pairs of milestones closed against the task's order, and all pairs that it orders."""
        parts = {name: self.story.parts[number] for number, name in self.named.items()}
        wrong = pairs = 0
        for name, before in needs(self.milestones).items():
            later = parts[name].closed_at if name in parts else None
            for other in before & parts.keys() if later is not None else ():
                earlier = parts[other].closed_at
                pairs += 1
                wrong += earlier is None or (later is not None and earlier > later)
        return wrong, pairs

    def calls_by_verdict(self) -> Iterable[Call]:
        verdict = self.episode.verdict
        if verdict is None or verdict.resolved is None:
            return
        for number, name in self.named.items():
            if name in verdict.milestones:
                yield self._call(self.story.parts[number], verdict.milestones[name])

    def calls_by_record(self) -> Iterable[Call]:
        for number, part in enumerate(self.story.parts):
            if number not in self.named and part.status == "done" and part.closings:
                standing = part.closings[-1].standing
                if standing in (Standing.SUPPORTED, Standing.CONTRADICTED):
                    yield self._call(part, standing is Standing.SUPPORTED)

    def _call(self, part: Part, is_so: bool) -> Call:
        return Call(self.task, part.status == "done", part.confidence, is_so)


def _told(estimate: Estimate | None) -> str:
    if estimate is None:
        return "nothing to tell"
    return f"{estimate}, by {estimate.tasks} task{'s' * (estimate.tasks != 1)}"


def _share(closings: Sequence[tuple[str, Closing]], standing: Standing) -> Rate:
    return by_task((task, closing.standing is standing, 1) for task, closing in closings)


def _resolved(seen: Iterable[_Seen]) -> Rate:
    return by_task((each.task, each.episode.resolved, 1) for each in seen if each.episode.reward is not None)


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None
