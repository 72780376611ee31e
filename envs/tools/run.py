"""`run`: a shell command in the repository."""

from __future__ import annotations

from journeyman.envs.actions import Run
from journeyman.envs.text import clean, normalise
from journeyman.envs.tools.tool import Refused, ToolResult, Workspace

ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "TZ": "UTC", "COLUMNS": "80"}
"""What would otherwise differ from run to run, or show old bytecode after a quick edit."""


class RunTool:
    mutates = True
    runs_code = True

    def apply(self, arguments: Run, workspace: Workspace) -> ToolResult:
        if "\x00" in arguments.command:
            raise Refused("a command cannot hold a NUL character")
        timeout_s = workspace.command_timeout_s()
        done = workspace.sandbox.run(arguments.command, timeout_s=timeout_s, env=ENVIRONMENT, warm=True)
        output = normalise(clean(done.text)).rstrip("\n")
        status = f"timed out after {timeout_s:.0f} s" if done.timed_out else f"exit {done.exit_code}"
        text = f"{status}\n{output}" if output else status
        return ToolResult(text, ok=not done.timed_out, runner=done.runner)
