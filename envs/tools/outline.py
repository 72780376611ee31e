"""`outline`: the classes and functions of a file, with their lines."""

from __future__ import annotations

from journeyman.envs.actions import Outline
from journeyman.envs.text import shorten
from journeyman.envs.tools.syntax import definitions, is_python
from journeyman.envs.tools.tool import Refused, ToolResult, Workspace, workspace_path


class OutlineTool:
    mutates = False
    runs_code = False

    def apply(self, arguments: Outline, workspace: Workspace) -> ToolResult:
        path = workspace_path(arguments.path)
        file = workspace.read(path)
        if not is_python(path):
            raise Refused(f"{path} is not Python; view it instead")
        width = workspace.config.max_line_chars
        lines = [
            shorten(f"{d.start}-{d.end} {'  ' * d.depth}{d.header}", width) for d in definitions(file.text)
        ]  # fmt: skip
        return ToolResult("\n".join(lines) or f"{path} defines no class or function ({len(file.lines)} lines)")
