"""`plan`: say how the problem is broken down. It earns nothing by itself; it is recorded, and claims refer to it."""

from __future__ import annotations

from journeyman.envs.actions import Plan
from journeyman.envs.tools.tool import ToolResult, Workspace


class PlanTool:
    mutates = False
    runs_code = False

    def apply(self, arguments: Plan, workspace: Workspace) -> ToolResult:
        count = len(arguments.subtasks)
        done = sum(subtask.status == "done" for subtask in arguments.subtasks)
        return ToolResult(f"plan of {count} subtask{'s' * (count != 1)}, {done} done")
