"""`report`: end the episode. Its claims are held against the record, and the findings kept with it."""

from __future__ import annotations

from journeyman.envs.actions import Report
from journeyman.envs.claims import check_claims
from journeyman.envs.tools.tool import ToolResult, Workspace


class ReportTool:
    mutates = False
    runs_code = False

    def apply(self, arguments: Report, workspace: Workspace) -> ToolResult:
        findings = check_claims(arguments.claims, workspace.steps)
        return ToolResult("\n".join(["reported", *map(str, findings)]), findings=findings)
