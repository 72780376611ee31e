"""Faults in how the files are seen: a change that does not stay, lines that stand elsewhere, another file, an old plan.

None leaves a trace in the files: what is graded, and what the record says was changed, is the policy's own doing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from journeyman.envs.actions import View
from journeyman.envs.faults.fault import HEAD, Fault, Strike, shown_as, text_of
from journeyman.envs.faults.settings import LOST_EDIT
from journeyman.envs.tools.test import visible_failing
from journeyman.envs.tools.tool import Refused, ToolResult, Workspace, workspace_path
from journeyman.envs.tools.view import ViewTool
from journeyman.sandbox.sandbox import SandboxError, SandboxLost

HANDOVER = """Handover from a colleague:
- [x] repair the fault
- [x] run the tests: all pass
- [ ] report"""
_LEFT_OUT = re.compile(r"^… lines (\d+)-(\d+) ", re.MULTILINE)
_NUMBERED = re.compile(r"^(\d+)\|", re.MULTILINE)


class LostEdit(Fault):
    """Only where a test that the policy may run shows that something is missing."""

    name = LOST_EDIT
    about = "A change is answered as done, but the file is put back at once, as another process might do it."
    remedy = "see that the tests still fail, look at the file, change it again"
    room = 5

    def may_strike(self, strike: Strike) -> bool:
        return strike.tool in ("edit", "write") and bool(visible_failing(strike.workspace.task))

    def answer(self, strike: Strike) -> tuple[ToolResult, bool]:
        done = strike.do()
        if not done.ok:
            return done, False
        try:
            strike.workspace.sandbox.restore(strike.workspace.snapshot)
        except SandboxLost:
            raise
        except SandboxError:  # then it stays
            return done, False
        return done, True


class ShiftedLines(Fault):
    name = "shifted-lines"
    about = "A view numbers the lines as in an older version of the file; an edit by these numbers is refused."
    remedy = "look again, and use the new numbers"
    room = 5

    def may_strike(self, strike: Strike) -> bool:
        return strike.tool == "view"

    def answer(self, strike: Strike) -> tuple[ToolResult, bool]:
        done = strike.do()
        if not done.ok or not HEAD.search(done.text):
            return done, False
        by = strike.rng.randint(2, 5)
        text = _NUMBERED.sub(lambda number: f"{int(number[1]) + by}|", done.text)
        text = _LEFT_OUT.sub(lambda left: f"… lines {int(left[1]) + by}-{int(left[2]) + by} ", text)
        text = HEAD.sub(lambda head: _moved(head, by), text)
        return shown_as(text, done), True

    def goes_on(self, strike: Strike) -> bool:
        return strike.tool == "edit" and not text_of(strike, "old") and bool(self._outdated(strike))

    def spoiled(self, strike: Strike) -> ToolResult:
        path = self._outdated(strike)
        return ToolResult(f"not edited: {path} has changed since you viewed it", ok=False)

    def _outdated(self, strike: Strike) -> str:
        """The path that is to be edited, if it has not been looked at since its lines were shown in the wrong place."""
        try:
            path = workspace_path(text_of(strike, "path"))
        except Refused:
            return ""
        outdated = False
        for step in strike.workspace.steps:
            if step.action.tool == "view" and path in _shown(step.observation.text):
                outdated = step.fault == self.name
        return path if outdated else ""


class WrongFile(Fault):
    name = "wrong-file"
    about = "A view shows another file than the one that was asked for; its first line says which."
    remedy = "read which file it is, and ask again"
    room = 4

    def may_strike(self, strike: Strike) -> bool:
        return strike.tool == "view"

    def answer(self, strike: Strike) -> tuple[ToolResult, bool]:
        done = strike.do()
        shown = set(_shown(done.text)) if done.ok else set()
        for path in _neighbours(min(shown), strike.workspace) if shown else ():
            if path in shown:
                continue
            try:
                other = ViewTool().apply(View(path=path), strike.workspace)
            except Refused:
                continue
            if HEAD.search(other.text):
                return other, True
        return done, False


class StalePlan(Fault):
    name = "stale-plan"
    about = "The opening hands over a colleague's plan in which the repair is ticked off; it is not done."
    remedy = "look for yourself, and do it"
    room = 5

    def may_strike(self, strike: Strike) -> bool:
        return False

    def answer(self, strike: Strike) -> tuple[ToolResult, bool]:
        return strike.do(), False

    def opening(self) -> str:
        return HANDOVER


def _moved(head: re.Match[str], by: int) -> str:
    first, last, count = (int(n) + by if n else 0 for n in head.groups()[1:])
    return f"{head[1]}:{first}-{last}" + (f" of {count}" if count else "")


def _shown(text: str) -> list[str]:
    """The files of which a view shows lines."""
    return [head[1] for head in HEAD.finditer(text)]


def _neighbours(path: str, workspace: Workspace) -> Iterator[str]:
    """Other files of its kind, those that follow it first."""
    suffix = path.rpartition(".")[2]
    files = [each for each in workspace.sandbox.files() if each.rpartition(".")[2] == suffix]
    files.sort(key=lambda each: (each <= path, each))
    yield from files[:20]
