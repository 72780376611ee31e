"""`search`: where a regular expression matches, as `path:line: text`."""

from __future__ import annotations

from journeyman.envs.actions import Search
from journeyman.envs.text import shorten
from journeyman.envs.tools.scan import scan
from journeyman.envs.tools.tool import ToolResult, Workspace, workspace_path


class SearchTool:
    mutates = False
    runs_code = False

    def apply(self, arguments: Search, workspace: Workspace) -> ToolResult:
        path = workspace_path(arguments.path)
        matches = scan(workspace, arguments.pattern, path, limit=workspace.config.max_matches)
        width = workspace.config.max_line_chars
        lines = [shorten(f"{match.path}:{match.line}: {match.text.strip()}", width) for match in matches.shown]
        if left := matches.total - len(matches.shown):
            lines.append(f"… {left} more matching lines left out")
        return ToolResult("\n".join(lines) or "no match")
