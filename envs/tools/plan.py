"""`plan`: say how the problem is broken down. It earns nothing by itself; it is recorded, and claims refer to it.

A policy that names evidence is told what its plan changed, and what the record says to what was just closed; others the
counts alone, as ever.
"""

from __future__ import annotations

from journeyman.envs.actions import Plan
from journeyman.envs.plans import Follower, PlanStory, Revision, plans_in
from journeyman.envs.text import shorten
from journeyman.envs.tools.tool import ToolResult, Workspace

_NAMED = 3
"""So many closings are told of one by one."""
_WIDEST = 60
"""Characters of a piece of evidence that are shown."""


class PlanTool:
    mutates = False
    runs_code = False

    def apply(self, arguments: Plan, workspace: Workspace) -> ToolResult:
        count = len(arguments.subtasks)
        done = sum(subtask.status == "done" for subtask in arguments.subtasks)
        counts = f"plan of {count} subtask{'s' * (count != 1)}, {done} done"
        before = list(plans_in(workspace.steps))
        if not any(part.evidence for plan in (arguments, *(plan for _, plan in before)) for part in plan.subtasks):
            return ToolResult(counts)
        follower = Follower()
        for number, plan in before:
            follower.take(number, plan, None)
        revision = follower.take(len(workspace.steps) + 1, arguments, workspace.steps)
        changed = f" ({revision})" if before else ""
        return ToolResult("; ".join([counts + changed, *_closed(follower.told(), revision)]))


def _closed(story: PlanStory, revision: Revision) -> list[str]:
    """What the record says to the evidence of what this plan closed."""
    closings = [story.parts[number].closings[-1] for number in revision.closed]
    told = [
        f"{_short(each.evidence)} {each.standing.value}: {_short(each.because, 2 * _WIDEST)}"
        for each in closings
        if each.evidence is not None and each.standing is not None
    ]
    return told[:_NAMED] + ([f"and {len(told) - _NAMED} more"] if len(told) > _NAMED else [])


def _short(text: str, limit: int = _WIDEST) -> str:
    return shorten(" ".join(text.split()), limit)
