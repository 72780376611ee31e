"""`write`: create a file, or replace all of it."""

from __future__ import annotations

from journeyman.envs.actions import Write
from journeyman.envs.tools.edit import encodable, syntax_note
from journeyman.envs.tools.textfile import TextFile
from journeyman.envs.tools.tool import Refused, ToolResult, Workspace, workspace_path


class WriteTool:
    mutates = True
    runs_code = False

    def apply(self, arguments: Write, workspace: Workspace) -> ToolResult:
        path = workspace_path(arguments.path)
        if path == "." or arguments.path.rstrip().endswith("/"):
            raise Refused(f"{arguments.path} is a folder; give the path of a file")
        existed = path in workspace.sandbox.files()
        file = encodable(TextFile(()).with_text(arguments.content))
        workspace.write(path, file)
        count = len(file.lines)
        done = f"{'replaced' if existed else 'created'} {path} ({count} line{'s' * (count != 1)})"
        lines = [done, syntax_note(path, file)]
        return ToolResult("\n".join(line for line in lines if line))
